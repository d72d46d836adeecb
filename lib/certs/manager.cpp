#include "certs/manager.hpp"

#include "certs/manager_state.hpp"
#include "sys/clock.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/request.hpp"

#include <algorithm>

namespace dstack::certs {

namespace {

bool is_for(const Certificate& certificate, const Domain& domain)
{
  const auto chain = x509::certificates_of_pem(certificate.chain_pem, max_chain);
  if (!chain) return false;
  const auto names = x509::dns_names_of(chain->front());
  if (!names) return false;
  const auto wanted = certificate_names(domain);
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
    return std::find(names->begin(), names->end(), one) != names->end();
  });
}

std::string renewal_name_of(const Certificate& certificate)
{
  const auto chain = x509::certificates_of_pem(certificate.chain_pem, max_chain);
  if (!chain) return {};
  const auto name = acme::renewal_info_name(chain->front());
  return name ? *name : std::string{};
}

} // namespace

Status Manager::State::open()
{
  if (const auto* dev = std::get_if<DevCaSettings>(&settings.authority)) {
    dev_ca = TRY(DevCa::open(dev->directory, now()).within("development CA"));
    return ok();
  }
  const auto& account = acme()->account;
  if (!account) return ok();
  if (account->directory_url != acme()->directory_url)
    return fail(Errc::config,
                "the ACME account {} is of another authority than {}: rotate the account to change "
                "to it",
                account->url, acme()->directory_url);
  account_key = std::make_shared<const crypto::P256Key>(
      TRY(crypto::P256Key::from_pkcs8_der(account->key_der.view()).within("ACME account")));
  account_url = account->url;
  return ok();
}

void Manager::State::tick_soon()
{
  if (timer) shop->loop().cancel(*timer);
  timer = shop->loop().after(std::chrono::milliseconds{0},
                             [here = std::weak_ptr<State>{shared_from_this()}] {
                               if (const auto state = here.lock()) state->tick();
                             });
}

void Manager::State::tick()
{
  const std::int64_t steady = sys::monotonic_ms();
  if (acme() != nullptr && account_url.empty()) {
    const bool wanted = !domains.empty() && !account_running;
    if (wanted && account_schedule->due(now(), steady)) make_account({});
    return arm();
  }
  std::vector<std::string> names; // what is told on the way may change the domains
  for (const auto& [name, held] : domains)
    if (held.running == nullptr && is_clear(held) && held.schedule.due(now(), steady))
      names.push_back(name);
  for (const std::string& name : names) {
    const auto at = domains.find(name);
    if (at != domains.end() && running < settings.at_once) begin(at->second);
  }
  ask_for_renewals();
  arm();
}

/// Until the next thing may be due, but never longer than the clock may go unseen.
void Manager::State::arm()
{
  const std::int64_t steady = sys::monotonic_ms();
  std::int64_t next = settings.longest_sleep_ms;
  const auto consider = [&](std::int64_t wait) {
    if (wait > 0) next = std::min(next, wait); // what is due and waits is told when it can go on
  };
  if (account_schedule && !account_running) consider(account_schedule->pause_left_ms(steady));
  for (const auto& [name, held] : domains) {
    if (held.running == nullptr) consider(held.schedule.quiet_ms(now(), steady));
    if (!held.asking && !held.renewal_name.empty()) consider(held.ask_ms - steady);
  }
  if (timer) shop->loop().cancel(*timer);
  timer = shop->loop().after(std::chrono::milliseconds{next},
                             [here = std::weak_ptr<State>{shared_from_this()}] {
                               if (const auto state = here.lock()) state->tick();
                             });
}

void Manager::State::set_domains(const std::vector<Domain>& wanted,
                                 const std::vector<Certificate>& kept)
{
  std::map<std::string, Held> next;
  for (const Domain& domain : wanted) {
    const auto before = domains.find(domain.name);
    if (before == domains.end()) {
      next.emplace(domain.name, hold(domain, kept));
      clear(domain);
      continue;
    }
    Held held = std::move(before->second);
    const bool other_names = held.domain.names != domain.names;
    held.domain = domain;
    if (other_names) held.schedule.force();
    next.emplace(domain.name, std::move(held));
  }
  domains = std::move(next);
  tick_soon();
}

Manager::State::Held Manager::State::hold(const Domain& domain,
                                          const std::vector<Certificate>& kept)
{
  Held out{domain, Schedule{settings.renewal, random()}, {}, {}, false, false, 0, nullptr, {}, {}};
  for (const Certificate& one : kept) {
    const bool of_authority =
        dev_ca ? dev_ca->has_issued(one.chain_pem) : !is_development(one.chain_pem);
    if (one.domain != domain.name || !of_authority || !is_for(one, domain)) continue;
    out.schedule.holds(one.not_before, one.not_after);
    out.not_after = one.not_after;
    if (acme() != nullptr) out.renewal_name = renewal_name_of(one);
  }
  return out;
}

std::shared_ptr<Issuance>
Manager::State::launch(IssuanceOrder order,
                       std::function<void(const Issuance*, Issuance::Outcome)> told)
{
  struct Slot {
    std::weak_ptr<Issuance> issuance{};
  };
  const auto slot = std::make_shared<Slot>();
  const std::weak_ptr<State> here{shared_from_this()};
  const auto out = std::make_shared<Issuance>(
      *shop, std::move(order),
      [slot, told = std::move(told)](Issuance::Outcome outcome) {
        const auto issuance = slot->issuance.lock();
        told(issuance.get(), std::move(outcome));
      },
      [slot, here] {
        if (const auto state = here.lock()) state->issuances.erase(slot->issuance.lock());
      });
  slot->issuance = out;
  issuances.insert(out);
  return out;
}

void Manager::State::begin(Held& held)
{
  const std::string name = held.domain.name;
  if (dev_ca) {
    auto issued = dev_ca->issue(held.domain, now());
    if (issued)
      succeeded(held, *issued);
    else
      failed(held, {std::move(issued).error(), {}});
    return;
  }
  IssuanceOrder order;
  order.domain = held.domain;
  if (const auto dns = settings.dns.find(held.domain.dns); dns != settings.dns.end())
    order.dns = dns->second;
  order.acme = *acme();
  order.account_key = account_key;
  order.account_url = account_url;
  order.clean_up_pause_ms = settings.clean_up_pause_ms;
  if (held.has_renewal_info) order.replaces = held.renewal_name;
  if (shop->world().turn) order.turn = shop->world().turn(name);
  const auto issuance =
      launch(std::move(order), [this, name](const Issuance* which, Issuance::Outcome outcome) {
        ended(name, which, std::move(outcome));
      });
  held.running = issuance.get();
  held.next_try = std::nullopt;
  ++running;
  issuance->start();
}

void Manager::State::ended(const std::string& name,
                           const Issuance* which,
                           Issuance::Outcome outcome)
{
  --running;
  tick_soon();
  const auto at = domains.find(name);
  if (at == domains.end() || at->second.running != which) return; // not wanted any more
  Held& held = at->second;
  held.running = nullptr;
  if (const auto* why = std::get_if<NotIssued>(&outcome)) return failed(held, *why);
  const auto& issued = std::get<Issued>(outcome);
  directory = issued.directory;
  succeeded(held, *issued.certificate);
}

void Manager::State::succeeded(Held& held, const Certificate& certificate)
{
  took(held, certificate);
  if (shop->listener().certificate) shop->listener().certificate(certificate);
}

void Manager::State::took(Held& held, const Certificate& certificate)
{
  held.schedule.issued(certificate.not_before, certificate.not_after, sys::monotonic_ms());
  if (!is_for(certificate, held.domain)) held.schedule.force(); // other names are wanted meanwhile
  held.not_after = certificate.not_after;
  held.last_error.clear();
  held.next_try = std::nullopt;
  held.has_renewal_info = false;
  held.ask_ms = 0;
  held.renewal_name = acme() != nullptr ? renewal_name_of(certificate) : std::string{};
}

void Manager::State::adopt(const Certificate& certificate)
{
  const auto at = domains.find(certificate.domain);
  if (at == domains.end() || is_development(certificate.chain_pem)) return;
  took(at->second, certificate);
  tick_soon();
}

Status Manager::State::adopt(const Account& account)
{
  if (acme() == nullptr || account.directory_url != acme()->directory_url)
    return fail(Errc::config, "the ACME account {} is of another authority", account.url);
  account_key = std::make_shared<const crypto::P256Key>(
      TRY(crypto::P256Key::from_pkcs8_der(account.key_der.view()).within("ACME account")));
  account_url = account.url;
  account_error.clear();
  tick_soon();
  return ok();
}

void Manager::State::failed(Held& held, const NotIssued& why)
{
  const std::int64_t pause =
      held.schedule.failed(why.retry_after_ms, sys::monotonic_ms(), random());
  held.last_error = why.error.message();
  held.next_try = Time{now().ms + pause};
  if (shop->listener().failed)
    shop->listener().failed({held.domain.name, why.error, *held.next_try});
}

Result<std::unique_ptr<Manager>>
Manager::create(sys::Loop& loop, Settings settings, Listener listener, World world)
{
  auto state = std::make_shared<State>();
  state->shop = TRY(Workshop::create(loop, std::move(listener), std::move(world)));
  state->settings = std::move(settings);
  state->account_schedule.emplace(state->settings.renewal, state->random());
  TRY(state->open());
  return std::unique_ptr<Manager>{new Manager{std::move(state)}};
}

Manager::Manager(std::shared_ptr<State> state) : state_(std::move(state)) {}

Manager::~Manager()
{
  state_->issuances.clear(); // nothing of what still runs is told any more
}

void Manager::set_domains(const std::vector<Domain>& domains, const std::vector<Certificate>& kept)
{
  state_->set_domains(domains, kept);
}

void Manager::set_dns(std::map<std::string, DnsSettings> dns)
{
  state_->settings.dns = std::move(dns);
  hurry();
}

void Manager::hurry()
{
  for (auto& [name, held] : state_->domains)
    held.schedule.hurry();
  state_->account_schedule->hurry();
  state_->tick_soon();
}

void Manager::adopt(const Certificate& certificate)
{
  state_->adopt(certificate);
}

Status Manager::adopt(const Account& account)
{
  return state_->adopt(account);
}

Status Manager::renew_now(const std::string& domain)
{
  const auto at = state_->domains.find(domain);
  if (at == state_->domains.end())
    return fail(Errc::not_found, "'{}' is none of the domains", printable(domain));
  at->second.schedule.force();
  state_->tick_soon();
  return ok();
}

void Manager::set_caa(const std::string& domain, std::function<void(Result<acme::CaaPlan>)> done)
{
  state_->set_caa(domain, std::move(done));
}

void Manager::rotate_account(std::function<void(Result<std::string>)> done)
{
  state_->make_account(std::move(done));
}

std::vector<DomainState> Manager::state() const
{
  std::vector<DomainState> out;
  for (const auto& [name, held] : state_->domains) {
    const std::string& error = held.last_error.empty() ? state_->account_error : held.last_error;
    out.push_back({held.domain, held.not_after, held.schedule.renewal(), held.running != nullptr,
                   held.schedule.failures(), error, held.next_try});
  }
  return out;
}

std::string Manager::account_url() const
{
  return state_->account_url;
}

} // namespace dstack::certs
