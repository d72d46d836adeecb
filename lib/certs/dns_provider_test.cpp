#include "certs/dns_provider.hpp"

#include "certs/cloudflare.hpp"
#include "certs/dynamic_update.hpp"
#include "certs/test_authority.hpp"
#include "sys/files.hpp"

#include <doctest/doctest.h>

namespace dstack::certs {
namespace {

constexpr const char* name = "_acme-challenge.apps.example.org";

World world_of(TestInternet& internet)
{
  World out;
  out.now = [] { return Time{}; };
  out.random = [] { return std::uint64_t{0}; };
  out.send = [&internet](const fetch::ClientRequest& request, const fetch::ClientLimits&) {
    return internet.send(request);
  };
  return out;
}

DnsSettings cloudflare(std::string_view token)
{
  DnsSettings out;
  out.provider = CloudflareSettings{"https://dns/client/v4", SecretBytes{as_bytes(token)}};
  return out;
}

/// A program in a directory of its own that writes down what it is asked for.
struct HookFile {
  explicit HookFile(std::string_view script)
      : directory(*sys::make_temp_directory(sys::fs::temp_directory_path(), "hook"))
  {
    const std::string text = fmt::format("#!/bin/sh\ncd {}\n{}\n", directory.string(), script);
    REQUIRE(sys::write_file_atomic(program, as_bytes(text), sys::Privacy::owner_only));
    sys::fs::permissions(program, sys::fs::perms::owner_all);
  }
  HookFile(const HookFile&) = delete;
  HookFile& operator=(const HookFile&) = delete;
  ~HookFile() { static_cast<void>(sys::remove_tree(directory)); }

  DnsSettings settings() const
  {
    DnsSettings out;
    out.provider = HookSettings{{program.string(), "argument"}, 2000};
    return out;
  }

  sys::fs::path directory;
  sys::fs::path program = directory / "hook";
};

std::unique_ptr<DnsProvider> provider_of(const DnsSettings& settings)
{
  auto made = make_dns_provider(settings, {});
  REQUIRE(made);
  return *std::move(made);
}

} // namespace

TEST_SUITE("certs::cloudflare")
{
  TEST_CASE("records are added once, listed and removed; other names and texts stay")
  {
    TestInternet internet{[] { return Time{}; }};
    const auto made = make_dns_provider(cloudflare("secret-token"), world_of(internet));
    REQUIRE(made);
    DnsProvider& provider = **made;
    for (const char* value : {"one", "two", "one"})
      CHECK(provider.add(name, std::string{value}));
    CHECK(provider.add("other.example.org", std::string{"one"}));
    const acme::CaaRecord caa{0, "issue", "ca.test"};
    CHECK(provider.add("example.org", caa));
    CHECK(internet.cloudflare.records.size() == 4);
    CHECK(provider.list(RecordType::txt, name)->size() == 2);
    CHECK(*provider.list(RecordType::caa, "example.org") == std::vector<RecordData>{caa});
    CHECK(provider.remove(name, std::string{"one"}));
    CHECK(provider.remove(name, std::string{"one"}));
    CHECK(*provider.list(RecordType::txt, name) == std::vector<RecordData>{std::string{"two"}});
    CHECK(internet.cloudflare.records.size() == 3);
  }

  TEST_CASE("what the service says against it, without the token")
  {
    TestInternet internet{[] { return Time{}; }};
    const auto made = make_dns_provider(cloudflare("wrong-token"), world_of(internet));
    const auto refused = (*made)->add(name, std::string{"x"});
    REQUIRE(!refused);
    CHECK(refused.error().message().find("Invalid access token (9109)") != std::string::npos);
    CHECK(refused.error().message().find("wrong-token") == std::string::npos);
    const auto good = make_dns_provider(cloudflare("secret-token"), world_of(internet));
    const auto elsewhere = (*good)->add("_acme-challenge.example.net", std::string{"x"});
    REQUIRE(!elsewhere);
    CHECK(elsewhere.error().code() == Errc::not_found);
    CHECK(!make_dns_provider(cloudflare(""), world_of(internet)));
  }

  TEST_CASE("every page of zones and records is read")
  {
    std::vector<std::string> asked;
    World world;
    world.send = [&](const fetch::ClientRequest& request,
                     const fetch::ClientLimits&) -> Result<http::Response> {
      asked.push_back(request.url);
      const bool second = request.url.find("page=2") != std::string::npos;
      http::Response out;
      const std::string item =
          request.url.find("/zones?") != std::string::npos
              ? fmt::format(R"({{"id":"z","name":"{}"}})", second ? "example.org" : "example.net")
              : fmt::format(R"({{"id":"r","type":"TXT","name":"{}","content":"\"{}\""}})", name,
                            second ? "b" : "a");
      out.body = fmt::format(
          R"({{"success":true,"result":[{}],"result_info":{{"total_pages":2}}}})", item);
      return out;
    };
    const auto made = make_dns_provider(cloudflare("t"), world);
    CHECK(*(*made)->list(RecordType::txt, name) ==
          std::vector<RecordData>{std::string{"a"}, std::string{"b"}});
    CHECK(asked.size() == 4);
  }

  TEST_CASE("answers that are none")
  {
    for (const char* body :
         {"", "[]", "{}", R"({"success":false})", R"({"success":true})",
          R"({"success":true,"result":[{"id":"../x","name":"a"}]})",
          R"({"success":true,"result":[{"name":"a"}]})", R"({"success":1,"result":[]})"}) {
      CAPTURE(body);
      CHECK(!parse_cloudflare_zones(body));
    }
    for (const char* body :
         {R"({"success":true,"result":[{"id":"x","name":"a"}]})",
          R"({"success":true,"result":[{"id":"x","name":"a","type":"TXT"}]})",
          R"({"success":true,"result":[{"id":"x","name":"a","type":"CAA","content":"0 issue x"}]})",
          R"({"success":true,"result":[{"id":"x","name":"a","type":"CAA",)"
          R"("data":{"flags":300,"tag":"issue","value":"x"}}]})"}) {
      CAPTURE(body);
      CHECK(!parse_cloudflare_records(body));
    }
    const auto other = parse_cloudflare_records(
        R"({"success":true,"result":[{"id":"x","name":"a","type":"A","content":"192.0.2.1"}]})");
    REQUIRE(other);
    CHECK(other->items.empty());
  }
}

TEST_SUITE("certs::hook")
{
  TEST_CASE("the program is told what to do, in its environment")
  {
    const HookFile hook{"echo $1 $DSTACK_DNS_ACTION $DSTACK_DNS_TYPE $DSTACK_DNS_NAME "
                        "\"$DSTACK_DNS_VALUE\" $DSTACK_DNS_TTL >>log"};
    const auto provider = provider_of(hook.settings());
    CHECK(provider->add("a.example", std::string{"v $x"}));
    CHECK(provider->remove("a.example", acme::CaaRecord{0, "issue", "ca"}));
    CHECK(*sys::read_text(hook.directory / "log", 1000) ==
          "argument add TXT a.example v $x 60\n"
          "argument remove CAA a.example 0 issue \"ca\" 60\n");
  }

  TEST_CASE("what it lists")
  {
    const HookFile hook{
        "[ $DSTACK_DNS_TYPE = TXT ] && echo one && echo two || echo '0 issue \"ca\"'"};
    const auto provider = provider_of(hook.settings());
    CHECK(provider->list(RecordType::txt, "a.example")->size() == 2);
    CHECK(*provider->list(RecordType::caa, "a.example") ==
          std::vector<RecordData>{acme::CaaRecord{0, "issue", "ca"}});
    const HookFile silent{":"};
    CHECK(provider_of(silent.settings())->list(RecordType::txt, "a.example")->empty());
    const HookFile wrong{"echo nonsense"};
    CHECK(!provider_of(wrong.settings())->list(RecordType::caa, "a.example"));
  }

  TEST_CASE("its complaint is told, and it does not take for ever")
  {
    const HookFile refusing{"echo 'quota used up' >&2; exit 3"};
    const auto refused = provider_of(refusing.settings())->add("a.example", std::string{"x"});
    REQUIRE(!refused);
    CHECK(refused.error().message().find("quota used up") != std::string::npos);
    const HookFile endless{"exec tail -f /dev/null"};
    DnsSettings settings = endless.settings();
    std::get<HookSettings>(settings.provider).deadline_ms = 100;
    const auto late = provider_of(settings)->add("a.example", std::string{"x"});
    REQUIRE(!late);
    CHECK(late.error().code() == Errc::timeout);
    CHECK(!make_dns_provider(DnsSettings{HookSettings{}}, {}));
  }
}

TEST_SUITE("certs::dynamic_update")
{
  TEST_CASE("a server by name or address, with a port or without")
  {
    const auto shown = [](std::string_view text) {
      const auto got = parse_server(text);
      return got ? fmt::format("{} {}", got->host, got->port) : std::string{"refused"};
    };
    CHECK(shown("ns.example.org") == "ns.example.org 53");
    CHECK(shown("192.0.2.1:5353") == "192.0.2.1 5353");
    CHECK(shown("2001:db8::1") == "2001:db8::1 53");
    CHECK(shown("[2001:db8::1]:5353") == "2001:db8::1 5353");
    for (const char* text : {"", ":53", "a:", "a:0", "a:65536", "a:b", "[::1]53"})
      CHECK(shown(text) == "refused");
  }

  TEST_CASE("settings that cannot work are refused before anything is asked")
  {
    DnsSettings settings;
    settings.provider = DynamicUpdateSettings{"192.0.2.1", "", {}};
    CHECK(make_dns_provider(settings, {}).error().code() == Errc::config);
  }
}

} // namespace dstack::certs
