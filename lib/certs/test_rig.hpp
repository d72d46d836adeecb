#pragma once
/// For tests only: a manager that runs against an authority in memory.

#include "certs/manager.hpp"
#include "certs/test_authority.hpp"
#include "sys/clock.hpp"

#include <atomic>
#include <doctest/doctest.h>

namespace dstack::certs {

inline constexpr std::int64_t day_ms = 86'400'000;
inline constexpr std::string_view challenge_name = "_acme-challenge.apps.example.org";

inline codec::Json text_record(std::string_view name, std::string_view value)
{
  return codec::Json{}.set("type", "TXT").set("name", name).set("content", value);
}

inline Domain plain(std::string name, acme::ChallengeKind kind)
{
  return {std::move(name), Names::itself, {kind}, "", ""};
}

inline Domain wildcard(std::string name)
{
  return {std::move(name), Names::wildcard, {acme::ChallengeKind::dns_01}, "cf", ""};
}

/// A manager on a loop, with an authority and a zone in memory and a clock that is set by hand.
struct Rig {
  Rig()
  {
    DnsSettings dns;
    dns.provider =
        CloudflareSettings{"https://dns/client/v4/", SecretBytes{as_bytes("secret-token")}};
    dns.max_wait_ms = 0;
    settings.dns.emplace("cf", dns);
    AcmeSettings acme;
    acme.directory_url = "https://ca/dir";
    acme.total_ms = 20'000;
    settings.authority = acme;
    settings.renewal.retry_base_ms = 20;
    settings.renewal.retry_most_ms = 60;
    settings.longest_sleep_ms = 20;
    settings.clean_up_pause_ms = 5;
    internet.authority.proven = [this](const std::string& domain,
                                       const std::string& authorization) {
      const std::string value = acme::base64url(crypto::sha256(as_bytes(authorization)));
      return internet.cloudflare.has_text("_acme-challenge." + domain, value);
    };
  }

  void start(const std::vector<Domain>& domains, const std::vector<Certificate>& kept = {})
  {
    Listener listener;
    listener.save_account = [this](const Account& account) -> Status {
      if (refuse_accounts-- > 0) return fail(Errc::io, "disk full");
      accounts.push_back(account.url);
      saved = account;
      return ok();
    };
    listener.certificate = [this](const Certificate& one) { certificates.push_back(one); };
    listener.challenges = [this](const Challenges& now_there) {
      challenges = now_there;
      most_challenges = std::max(most_challenges, now_there.alpn.size() + now_there.http.size());
    };
    listener.failed = [this](const Failure& one) { failures.push_back(one); };
    listener.note = [this](const std::string& one) { notes.push_back(one); };
    World world;
    world.now = [this] { return Time{wall_ms}; };
    if (turn) world.turn = [this](const std::string&) { return turn; };
    world.random = [] { return std::uint64_t{0}; };
    world.send = [this](const fetch::ClientRequest& request, const fetch::ClientLimits&) {
      return internet.send(request);
    };
    auto made = Manager::create(*loop, settings, listener, world);
    REQUIRE(made);
    manager = *std::move(made);
    manager->set_domains(domains, kept);
  }

  /// Lets the loop run until it is so, or for ten seconds.
  bool until(const std::function<bool()>& done)
  {
    bool good = done();
    if (good) return true;
    const std::int64_t end = sys::monotonic_ms() + 10'000;
    std::function<void()> look = [&] {
      good = done();
      if (good || sys::monotonic_ms() > end) return loop->stop();
      loop->after(std::chrono::milliseconds{1}, look);
    };
    loop->after(std::chrono::milliseconds{0}, look);
    REQUIRE(loop->run());
    if (!good && !failures.empty()) MESSAGE(failures.back().error.message());
    return good;
  }
  /// Lets the loop run for that long.
  void pass(std::int64_t ms)
  {
    const std::int64_t end = sys::monotonic_ms() + ms;
    static_cast<void>(until([&] { return sys::monotonic_ms() >= end; }));
  }

  std::size_t orders()
  {
    const std::lock_guard guard{internet.lock};
    return internet.authority.orders.size();
  }
  std::size_t records()
  {
    const std::lock_guard guard{internet.lock};
    return internet.cloudflare.records.size();
  }

  std::atomic<std::int64_t> wall_ms = 1'800'000'000'000;
  std::unique_ptr<sys::Loop> loop = *sys::Loop::create();
  TestInternet internet{[this] { return Time{wall_ms}; }};
  Settings settings{};
  int refuse_accounts = 0;
  std::vector<std::string> accounts{};
  std::optional<Account> saved{};
  std::vector<Certificate> certificates{};
  Challenges challenges{};
  std::size_t most_challenges = 0;
  std::vector<Failure> failures{};
  std::vector<std::string> notes{};
  std::shared_ptr<Turn> turn{};
  std::unique_ptr<Manager> manager{};
};

} // namespace dstack::certs
