#include "gateway/settings.hpp"

#include <doctest/doctest.h>

namespace dstack::gateway {

namespace {

std::string refusal(std::string_view text)
{
  const auto read = settings_from_toml(text, "gateway.toml");
  REQUIRE_FALSE(read);
  CHECK((read.error().code() == Errc::config || read.error().code() == Errc::malformed));
  return read.error().message();
}

bool refuses(std::string_view text, std::string_view why)
{
  const std::string said = refusal(text);
  const bool good = said.find(why) != std::string::npos;
  CHECK_MESSAGE(good, said);
  return good;
}

Settings full()
{
  using std::chrono::milliseconds;
  Settings s;
  s.development = true;
  s.listen = "[::1]:9000";
  s.url = "https://gw.example.com:9000";
  s.names = {"gw.example.com", "10.0.0.7"};
  s.agent = "unix:/tmp/with \"quotes\" and \\.sock";
  s.kms_urls = {"https://127.0.0.1:8000"};
  s.admin_socket = "a.sock";
  s.state_file = "s.db";
  s.recycle_after = milliseconds{60'000};
  s.max_instances_per_app = 7;
  s.domains = {
      {"example.com", "wildcard-and-itself", {"dns-01"}, "own.zone", "acme.example.net", 5},
      {"one.example.org", "itself", {"tls-alpn-01", "http-01"}, "", "", 0}};
  s.certificates = {CertificateSettings::Authority::development,
                    "https://ca.example/dir",
                    "ca.pem",
                    {"mailto:a@example.com"},
                    milliseconds{86'400'000},
                    "0.0.0.0:80"};
  DnsSettings way;
  way.kind = "update";
  way.server = "ns.example.com";
  way.zone = "example.com";
  way.key_name = "k";
  way.algorithm = "hmac-sha512";
  way.key_file = "k.key";
  way.ttl = 30;
  way.max_wait = milliseconds{0};
  way.resolvers = {"192.0.2.1:53"};
  way.check_servers = {"[::1]:53"};
  s.dns["own.zone"] = way;
  DnsSettings hook;
  hook.kind = "hook";
  hook.command = {"/bin/hook", "an argument"};
  s.dns["script"] = hook;
  s.wireguard = {false, "wg9", 1234, "10.9.0.1/16", "10.9.64.0/18", {"10.9.0.1/32"}, "gw:1234"};
  s.proxy.listen = {"0.0.0.0:443", "[::]:443"};
  s.proxy.external_port = 8443;
  s.proxy.workers = 3;
  s.proxy.agent_port = 9999;
  s.proxy.txt_prefix = "_own";
  s.proxy.dns_servers = {"127.0.0.1:5353"};
  s.proxy.trusted_proxies = {"10.0.0.0/8"};
  s.proxy.max_connections = 11;
  s.proxy.max_connections_per_app = 0;
  s.proxy.max_per_source = 12;
  s.proxy.new_per_source = 13;
  s.proxy.candidates = 4;
  s.proxy.splice_after = 65'536;
  s.proxy.kernel_tls = true;
  s.proxy.connect_timeout = s.proxy.handshake_timeout = milliseconds{250};
  s.proxy.idle_timeout = milliseconds{0};
  s.proxy.total_timeout = milliseconds{1000};
  s.admin = {"127.0.0.1:8001", "token"};
  s.webhook = {"http://127.0.0.1:1/hook", milliseconds{100}};
  s.collateral = {"https://pccs", "https://kds", "kept", true};
  return s;
}

Settings one_of_several()
{
  using std::chrono::milliseconds;
  Settings s;
  s.cluster = {{"https://10.0.0.1:2379", "https://etcd.example.com:2379"},
               "/gateways/a",
               3,
               "ca.pem",
               "own.pem",
               "own.key",
               "gateway",
               "password",
               milliseconds{500},
               milliseconds{6000}};
  return s;
}

} // namespace

TEST_SUITE("gateway::settings")
{
  TEST_CASE("an empty file gives the defaults, and the file of a new gateway says them all")
  {
    CHECK(*settings_from_toml("", "gateway.toml") == Settings{});
    const auto again = settings_from_toml(settings_text({}), "gateway.toml");
    REQUIRE_MESSAGE(again, again.error().message());
    CHECK(*again == Settings{});
  }

  TEST_CASE("every setting is read, and written so that it is read again")
  {
    const auto read = settings_from_toml(settings_text(full()), "gateway.toml");
    REQUIRE_MESSAGE(read, read.error().message());
    CHECK(*read == full());
    const auto several = settings_from_toml(settings_text(one_of_several()), "gateway.toml");
    REQUIRE_MESSAGE(several, several.error().message());
    CHECK(*several == one_of_several());
    CHECK_FALSE(several->cluster.alone());
    CHECK(read->cluster.alone());
  }

  TEST_CASE("a cluster needs members of etcd, a number, and an authority that all nodes can ask")
  {
    refuses("[cluster]\netcd = [\"10.0.0.1:2379\"]", "no member of etcd");
    refuses("[cluster]\netcd = [\"http://10.0.0.1:2379/v3\"]", "no member of etcd");
    refuses("[cluster]\netcd = [\"http://a:b@10.0.0.1:2379\"]", "no member of etcd");
    refuses("[cluster]\nnode = 0", "'node'");
    refuses("[cluster]\nprefix = \"gateway\"", "no prefix of keys");
    refuses("[cluster]\ncertificate_file = \"a.pem\"", "needs its key");
    refuses("[cluster]\nuser = \"a\"", "go together");
    refuses("[cluster]\netcd = [\"http://10.0.0.1:2379\"]\nuser = \"a\"\npassword_file = \"b\"",
            "https://");
    refuses("[cluster]\nnode = 17", "'node'");
    refuses("[certificates]\nauthority = \"development\"\n[cluster]\n"
            "etcd = [\"http://10.0.0.1:2379\"]",
            "certificates of one authority");
  }

  TEST_CASE("what is not understood is refused with its line")
  {
    CHECK(refusal("\nlissten = \"x\"") ==
          "gateway.toml: line 2: unknown key 'lissten'; did you mean 'listen'?");
    refuses("[proxy]\nworker = 3",
            "[proxy]: line 2: unknown key 'worker'; did you mean 'workers'?");
    refuses("listen = \"localhost:1\"", "line 1: 'localhost:1' is no address");
    refuses("[proxy]\nlisten = []", "names no address");
    refuses("[[domain]]\nnames = \"all\"", "'names' is 'all'");
    refuses("[[domain]]\nnames = \"itself\"", "'name' is missing");
    refuses("[[domain]]\nname = \"a b\"", "'a b' is no domain");
    refuses("[[domain]]\nname = \"A.x\"\n[[domain]]\nname = \"*.a.x.\"", "there twice");
    refuses("[[domain]]\nname = \"a.x\"\nprove = [\"mail\"]", "'prove' is 'mail'");
    refuses("[[domain]]\nname = \"a.x\"\ndns = \"none\"", "[dns.none], which is not there");
    refuses("domain = 3", "tables, each [[domain]]");
    refuses("names = []", "'names' is empty");
    refuses("names = [\"a\\nb\"]", "not one line");
    refuses("[certificates]\nauthority = \"x\"", "'authority' is 'x'");
    refuses("[dns.a]\nttl = 3", "'kind' is missing");
    refuses("[dns.a]\nkind = \"cloudflare\"", "'token_file' is missing");
    refuses("[dns.a]\nkind = \"update\"\nserver = \"n\"", "'key_name' is missing");
    refuses("[dns.a]\nkind = \"hook\"", "'command' is missing");
    refuses("[dns.a]\nkind = \"post\"", "'kind' is 'post'");
    refuses("[wireguard]\ninterface = \"wg 0\"", "no name of an interface");
    refuses("[wireguard]\naddress = \"10.8.0.1\"", "line 2");
    refuses("[wireguard]\nclients = \"10.9.0.0/16\"", "[wireguard]");
    refuses("[wireguard]\nendpoint = \"gw\"", "no place to reach");
    refuses("[wireguard]\nlisten_port = 0", "want 1 to 65535");
    refuses("[proxy]\ntrusted_proxies = [\"10.0.0.1/8\"]", "line 2");
    refuses("[proxy]\nidle_timeout = \"soon\"", "duration");
    refuses("[admin]\nlisten = \"127.0.0.1:1\"", "needs a 'token_file'");
    refuses("[webhook]\nurl = \"ftp://x\"", "http://");
    refuses("x = ", "line 1");
    refuses(std::string(max_settings + 1, '\n'), "limit");
  }

  TEST_CASE("domains in the one way they are kept")
  {
    for (const char* text : {"example.com", " Example.COM. ", "*.example.com", "*.example.com.."})
      CHECK(*normal_domain(text) == "example.com");
    for (const char* bad : {"", ".", "*.", "a b", "a..b", "-a.b", "a-.b", "*.*.a", "ex_ample.com",
                            "b\xc3\xbc.de", "127.0.0.1"})
      CHECK_MESSAGE(!normal_domain(bad), bad);
  }
}

} // namespace dstack::gateway
