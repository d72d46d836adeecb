// What a manager does beside issuing: accounts, renewal information, CAA, leftovers.
#include "acme/messages.hpp"
#include "certs/manager_state.hpp"
#include "sys/clock.hpp"

#include <algorithm>

namespace dstack::certs {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t ask_again_ms = 6 * hour_ms; // RFC 9773 4.3 leaves it to Retry-After
constexpr unsigned ask_at_once = 2;

Result<std::string> get(const World& world, const AcmeSettings& settings, const std::string& url)
{
  const fetch::ClientRequest request{"GET", url, {}, {}, settings.ca_file};
  auto answer = TRY(world.send(request, authority_limits));
  if (answer.status != 200)
    return fail(Errc::io, "GET {}: status {}: {}", url, answer.status,
                acme::parse_problem(answer.body, answer.status).text());
  return std::move(answer.body);
}

Result<acme::Directory> get_directory(const World& world, const AcmeSettings& settings)
{
  return acme::parse_directory(TRY(get(world, settings, settings.directory_url)),
                               settings.directory_url)
      .within("ACME directory {}", settings.directory_url);
}

bool uses_dns(const Domain& domain)
{
  return domain.names != Names::itself ||
         std::find(domain.kinds.begin(), domain.kinds.end(), acme::ChallengeKind::dns_01) !=
             domain.kinds.end();
}

/// From what is there to what is pinned; runs on a thread.
Result<acme::CaaPlan> change_caa(const World& world,
                                 const AcmeSettings& acme,
                                 const std::string& account_url,
                                 const DnsSettings& dns,
                                 const Domain& domain)
{
  const auto directory = TRY(get_directory(world, acme));
  std::vector<std::string> methods{std::string{name_of(acme::ChallengeKind::dns_01)}};
  if (domain.names == Names::itself) {
    methods.clear();
    for (const acme::ChallengeKind kind : domain.kinds)
      methods.emplace_back(name_of(kind));
  }
  const auto wanted = TRY(acme::pinned_caa_records(directory.caa_identities, account_url, methods));
  const auto provider = TRY(make_dns_provider(dns, world));
  std::vector<acme::CaaRecord> there;
  for (const RecordData& one : TRY(provider->list(RecordType::caa, domain.name)))
    if (const auto* record = std::get_if<acme::CaaRecord>(&one)) there.push_back(*record);
  const acme::CaaPlan plan = acme::plan_caa(there, wanted);
  for (const acme::CaaRecord& one : plan.add)
    TRY(provider->add(domain.name, one));
  for (const acme::CaaRecord& one : plan.remove)
    TRY(provider->remove(domain.name, one));
  return plan;
}

} // namespace

bool Manager::State::is_clear(const Held& held) const
{
  const auto at = cleared.find(challenge_name_of(held.domain));
  return at == cleared.end() || at->second;
}

/// A gateway that was killed may have left challenges in the zone: they are taken away before the
/// first of this run is set. Failures do not matter: they come again, and are told, with that one.
void Manager::State::clear(const Domain& domain)
{
  const auto dns = settings.dns.find(domain.dns);
  const std::string name = challenge_name_of(domain);
  if (acme() == nullptr || !uses_dns(domain) || dns == settings.dns.end()) return;
  if (shop->world().turn) return; // another node's may be there: whoever has the turn does it
  if (!cleared.emplace(name, false).second) return;
  shop->run(
      shared_from_this(),
      [name, settings_of = dns->second, world = shop->world()]() -> Status {
        return remove_leftovers(*TRY(make_dns_provider(settings_of, world)), name);
      },
      [this, name](const Status&) {
        cleared[name] = true;
        tick_soon();
      });
}

/// done is empty for the first one, which all domains wait for.
void Manager::State::make_account(std::function<void(Result<std::string>)> done)
{
  const auto tell = [done](Result<std::string> outcome) {
    if (done) done(std::move(outcome));
  };
  if (acme() == nullptr) return tell(fail(Errc::unsupported, "a development CA has no accounts"));
  if (account_running) return tell(fail(Errc::denied, "an account is being made already"));
  const auto conclude = [this, tell, first = !done](Result<std::string> saved) {
    if (!saved && first) account_failed(saved.error(), {});
    tell(std::move(saved));
    tick_soon();
  };
  if (unsaved_account) return conclude(save_account(*unsaved_account));
  IssuanceOrder order;
  order.acme = *acme();
  const auto key = std::make_shared<const crypto::P256Key>(crypto::P256Key::generate());
  order.account_key = key;
  if (shop->world().turn) order.turn = shop->world().turn("");
  account_running = true;
  const auto issuance = launch(std::move(order), [this, key, conclude, tell, first = !done](
                                                     const Issuance*, Issuance::Outcome outcome) {
    account_running = false;
    if (const auto* why = std::get_if<NotIssued>(&outcome)) {
      if (first) account_failed(why->error, why->retry_after_ms);
      tell(why->error);
      return tick_soon();
    }
    const auto& issued = std::get<Issued>(outcome);
    directory = issued.directory;
    conclude(save_account({acme()->directory_url, issued.account_url, key->pkcs8_der()}));
  });
  issuance->start();
}

/// Used only once it is kept: certificates of an account that is lost could not be renewed where
/// CAA records are bound to it.
Result<std::string> Manager::State::save_account(Account account)
{
  if (shop->listener().save_account)
    if (const Status saved = shop->listener().save_account(account); !saved) {
      unsaved_account = std::move(account);
      return Error{saved.error()}.within("keep the ACME account");
    }
  account_key = std::make_shared<const crypto::P256Key>(
      TRY(crypto::P256Key::from_pkcs8_der(account.key_der.view())));
  account_url = account.url;
  unsaved_account = std::nullopt;
  account_error.clear();
  return account_url;
}

void Manager::State::account_failed(const Error& error, std::optional<std::int64_t> retry_after_ms)
{
  const std::int64_t pause =
      account_schedule->failed(retry_after_ms, sys::monotonic_ms(), random());
  account_error = "ACME account: " + error.message();
  if (shop->listener().failed) shop->listener().failed({"", error, Time{now().ms + pause}});
}

void Manager::State::ask_for_renewals()
{
  const std::int64_t steady = sys::monotonic_ms();
  for (auto& [name, held] : domains) {
    if (asking >= ask_at_once) return;
    const bool wanted = !held.renewal_name.empty() && !held.asking && held.running == nullptr;
    if (wanted && steady >= held.ask_ms) ask_for_renewal(held);
  }
}

void Manager::State::ask_for_renewal(Held& held)
{
  struct Asked {
    acme::Directory directory{};
    std::optional<acme::RenewalInfo> info{};
  };
  held.asking = true;
  ++asking;
  shop->run(
      shared_from_this(),
      [world = shop->world(), acme = *acme(), known = directory,
       which = held.renewal_name]() -> Result<Asked> {
        Asked out;
        out.directory = known ? *known : TRY(get_directory(world, acme));
        if (out.directory.renewal_info.empty()) return out;
        const std::string url = out.directory.renewal_info + "/" + which;
        out.info = TRY(acme::parse_renewal_info(TRY(get(world, acme, url))));
        return out;
      },
      [this, name = held.domain.name, which = held.renewal_name](const Result<Asked>& asked) {
        --asking;
        tick_soon();
        if (asked) directory = asked->directory;
        const auto at = domains.find(name);
        if (at == domains.end()) return;
        Held& one = at->second;
        one.asking = false;
        if (one.renewal_name != which) return;
        const auto spread = static_cast<std::int64_t>(random() % hour_ms);
        one.ask_ms = sys::monotonic_ms() + ask_again_ms + spread;
        if (!asked || !asked->info) return;
        one.has_renewal_info = true;
        one.schedule.renewal_info(*asked->info);
      });
}

void Manager::State::set_caa(const std::string& domain,
                             std::function<void(Result<acme::CaaPlan>)> done)
{
  if (acme() == nullptr)
    return done(fail(Errc::unsupported, "nobody looks for CAA records of a development CA"));
  const auto held = domains.find(domain);
  if (held == domains.end())
    return done(fail(Errc::not_found, "'{}' is none of the domains", printable(domain)));
  const auto dns = settings.dns.find(held->second.domain.dns);
  if (dns == settings.dns.end())
    return done(fail(Errc::config, "{}: no way to change its zone is configured", domain));
  if (account_url.empty())
    return done(fail(Errc::not_found, "there is no ACME account yet to bind {} to", domain));
  shop->run(
      shared_from_this(),
      [world = shop->world(), acme = *acme(), url = account_url, settings_of = dns->second,
       which = held->second.domain] { return change_caa(world, acme, url, settings_of, which); },
      [done, domain](Result<acme::CaaPlan> plan) {
        done(std::move(plan).within("CAA records of {}", domain));
      });
}

} // namespace dstack::certs
