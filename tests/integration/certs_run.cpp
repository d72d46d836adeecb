// Runs lib/certs as a gateway does. Reads settings as JSON from the file given; prints what it is
// told as JSON, one object a line; obeys lines on stdin: renew DOMAIN, caa DOMAIN, rotate,
// jump MILLISECONDS (the wall clock), quit. After challenges it waits for a byte on ready_fd.
#include "certs/manager.hpp"
#include "codec/json.hpp"
#include "codec/json_list.hpp"
#include "sys/clock.hpp"

#include <atomic>
#include <cstdio>
#include <iostream>
#include <sys/epoll.h>

namespace dstack {
namespace {

using codec::Json;
using namespace certs;

constexpr std::size_t max_settings = std::size_t{1} << 20U;

void print(const Json& line)
{
  std::cout << write_json(line) << std::endl;
}

Json json_of(const Error& error)
{
  return Json{}.set("code", name_of(error.code())).set("message", error.message());
}

Result<DnsSettings> dns_of(const Json& given)
{
  DnsSettings out;
  out.ttl_seconds = static_cast<std::uint32_t>(TRY(given.get_u64("ttl_seconds", 60)));
  out.max_wait_ms = static_cast<std::int64_t>(TRY(given.get_u64("max_wait_ms", 0)));
  out.resolvers = TRY(given.get_strings("resolvers"));
  out.check_servers = TRY(given.get_strings("check_servers"));
  if (given.find("token") != nullptr) {
    const std::string token = TRY(given.need_string("token"));
    out.provider = CloudflareSettings{TRY(given.need_string("url")), SecretBytes{as_bytes(token)}};
  } else if (given.find("server") != nullptr) {
    DynamicUpdateSettings update;
    update.server = TRY(given.need_string("server"));
    update.zone = TRY(given.get_string("zone", ""));
    update.key = TRY(dns::parse_tsig_key(TRY(given.need_string("key"))));
    out.provider = std::move(update);
  } else {
    out.provider = HookSettings{TRY(given.get_strings("argv")), 5000};
  }
  return out;
}

Result<Domain> domain_of(const Json& given)
{
  Domain out;
  out.name = TRY(given.need_string("name"));
  const std::string names = TRY(given.get_string("names", "wildcard"));
  out.names = names == "wildcard" ? Names::wildcard
              : names == "both"   ? Names::wildcard_and_itself
                                  : Names::itself;
  out.dns = TRY(given.get_string("dns", ""));
  out.challenge_name = TRY(given.get_string("challenge_name", ""));
  const auto kinds = TRY(given.get_strings("kinds"));
  if (!kinds.empty()) out.kinds.clear();
  for (const std::string& kind : kinds)
    for (const auto one : {acme::ChallengeKind::dns_01, acme::ChallengeKind::http_01,
                           acme::ChallengeKind::tls_alpn_01})
      if (kind == name_of(one)) out.kinds.push_back(one);
  return out;
}

Result<Settings> settings_of(const Json& given)
{
  Settings out;
  if (given.find("dev_ca") != nullptr) {
    out.authority = DevCaSettings{TRY(given.need_string("dev_ca"))};
  } else {
    AcmeSettings acme;
    acme.directory_url = TRY(given.need_string("directory"));
    acme.ca_file = TRY(given.get_string("ca_file", ""));
    acme.total_ms = static_cast<std::int64_t>(TRY(given.get_u64("total_ms", 30'000)));
    if (given.find("account_url") != nullptr)
      acme.account = Account{acme.directory_url, TRY(given.need_string("account_url")),
                             SecretBytes{TRY(parse_hex(TRY(given.need_string("account_key"))))}};
    out.authority = std::move(acme);
  }
  if (const Json* dns = given.find("dns"))
    for (const auto& [name, one] : dns->members())
      out.dns.emplace(name, TRY(dns_of(one)));
  out.renewal.retry_base_ms = static_cast<std::int64_t>(TRY(given.get_u64("retry_ms", 300)));
  out.renewal.retry_most_ms =
      static_cast<std::int64_t>(TRY(given.get_u64("retry_most_ms", 60'000)));
  out.longest_sleep_ms = 200;
  out.clean_up_pause_ms = 100;
  return out;
}

class Run {
public:
  explicit Run(sys::Loop& loop) : loop_(loop) {}

  Status start(const Json& given)
  {
    const int ready = static_cast<int>(TRY(given.get_u64("ready_fd", 0)));
    World world = real_world();
    world.now = [this] { return Time{sys::now().ms + ahead_ms_}; };
    manager_ =
        TRY(Manager::create(loop_, TRY(settings_of(given)), listener(ready), std::move(world)));
    std::vector<Domain> domains;
    for (const Json& one : TRY(given.need_array("domains"))->items())
      domains.push_back(TRY(domain_of(one)));
    std::vector<Certificate> kept;
    if (const Json* all = given.find("kept"))
      for (const Json& one : all->items())
        kept.push_back(
            TRY(read_certificate(TRY(one.need_string("domain")), TRY(one.need_string("chain")),
                                 TRY(one.need_string("key")))));
    manager_->set_domains(domains, kept);
    return loop_.watch(0, EPOLLIN, [this](std::uint32_t) { read(); });
  }

private:
  static Listener listener(int ready)
  {
    Listener out;
    out.save_account = [](const Account& one) -> Status {
      print(Json{}.set("account", Json{}.set("url", one.url).set("key", hex(one.key_der.view()))));
      return ok();
    };
    out.certificate = [](const Certificate& one) {
      print(Json{}.set(
          "certificate",
          Json{}.set("domain", one.domain).set("chain", one.chain_pem).set("key", one.key_pem)));
    };
    out.challenges = [ready](const Challenges& all) {
      const auto alpn = [](const AlpnChallenge& one) {
        return Json{}
            .set("name", one.name)
            .set("certificate", one.certificate_pem)
            .set("key", one.key_pem);
      };
      const auto http = [](const HttpChallenge& one) {
        return Json{}.set("host", one.host).set("path", one.path).set("body", one.body);
      };
      print(Json{}.set("challenges", Json{}
                                         .set("alpn", codec::list_of(all.alpn, alpn))
                                         .set("http", codec::list_of(all.http, http))));
      static_cast<void>(sys::read_some(ready, 1)); // whoever serves them has them now
    };
    out.failed = [](const Failure& one) {
      print(Json{}.set(
          "failed", json_of(one.error).set("domain", one.domain).set("next_try", one.next_try.ms)));
    };
    out.note = [](const std::string& text) { print(Json{}.set("note", text)); };
    return out;
  }

  void read()
  {
    const auto more = sys::read_some(0, max_settings);
    if (!more || more->empty()) return loop_.stop();
    input_ += as_text(*more);
    for (auto end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
      obey(input_.substr(0, end));
      input_.erase(0, end + 1);
    }
  }

  void obey(const std::string& line)
  {
    const auto blank = line.find(' ');
    const std::string word = line.substr(0, blank);
    const std::string rest = blank == std::string::npos ? "" : line.substr(blank + 1);
    if (word == "quit") loop_.stop();
    if (word == "jump") ahead_ms_ += std::strtoll(rest.c_str(), nullptr, 10);
    if (word == "renew") static_cast<void>(manager_->renew_now(rest));
    if (word == "rotate")
      manager_->rotate_account([](const Result<std::string>& url) {
        print(Json{}.set("rotated", url ? Json{*url} : json_of(url.error())));
      });
    if (word == "caa")
      manager_->set_caa(rest, [](const Result<acme::CaaPlan>& plan) {
        if (!plan) return print(Json{}.set("caa", json_of(plan.error())));
        print(Json{}.set("caa",
                         Json{}
                             .set("add", codec::list_of(plan->add, &acme::CaaRecord::text))
                             .set("remove", codec::list_of(plan->remove, &acme::CaaRecord::text))));
      });
  }

  sys::Loop& loop_;
  std::unique_ptr<Manager> manager_{};
  std::atomic<std::int64_t> ahead_ms_ = 0;
  std::string input_{};
};

Status run(const std::string& file)
{
  const Json given = TRY(codec::parse_json(as_text(TRY(sys::read_file(file, max_settings)))));
  const auto loop = TRY(sys::Loop::create());
  Run all{*loop};
  TRY(all.start(given));
  return loop->run();
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  if (argc != 2) return 2;
  const auto done = dstack::run(argv[1]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 1;
}
