#include "certs/issuance.hpp"

#include "sys/clock.hpp"
#include "x509/certificate.hpp"
#include "x509/request.hpp"

#include <algorithm>

namespace dstack::certs {

namespace {

constexpr std::chrono::milliseconds find_servers{15'000};
constexpr std::chrono::milliseconds one_look{15'000};
constexpr std::int64_t first_look_pause_ms = 250;
constexpr std::int64_t longest_look_pause_ms = 8000;
constexpr unsigned most_clean_ups = 6;

} // namespace

Issuance::Issuance(Workshop& shop,
                   IssuanceOrder order,
                   std::function<void(Outcome)> told,
                   std::function<void()> over)
    : shop_(shop), order_(std::move(order)), told_(std::move(told)), over_(std::move(over)),
      started_ms_(sys::monotonic_ms()), started_at_(shop.world().now())
{
}

/// The wall clock as it stood at the start, going on evenly: a session must not end, nor wait for
/// ever, because somebody sets the clock.
Time Issuance::now() const
{
  return Time{started_at_.ms + sys::monotonic_ms() - started_ms_};
}

void Issuance::start()
{
  if (!order_.turn) return begin();
  shop_.run(
      shared_from_this(), [turn = order_.turn] { return turn->take(); },
      [this](Status taken) {
        if (!taken) return finish(NotIssued{std::move(taken).error(), {}});
        begin();
      });
}

/// Where others may be at work, challenges that were left behind are taken away only now.
void Issuance::begin()
{
  if (auto ready = prepare(); !ready) return finish(NotIssued{std::move(ready).error(), {}});
  if (!order_.turn || !provider_ || !order_.domain) return step();
  shop_.run(
      shared_from_this(),
      [provider = provider_, name = challenge_name_of(*order_.domain)] {
        return remove_leftovers(*provider, name);
      },
      [this](const Status&) { step(); });
}

Status Issuance::prepare()
{
  acme::SessionSettings settings;
  settings.directory_url = order_.acme.directory_url;
  settings.account_url = order_.account_url;
  settings.contacts = order_.acme.contacts;
  settings.external = order_.acme.external;
  settings.total_ms = order_.acme.total_ms;
  settings.replaces = order_.replaces;
  if (order_.domain) {
    const Domain& domain = *order_.domain;
    key_ = std::make_shared<const crypto::P256Key>(crypto::P256Key::generate());
    settings.names = certificate_names(domain);
    settings.csr = TRY(x509::make_request(settings.names, *key_));
    settings.certificate_spki = key_->spki_der();
    settings.kinds = domain.kinds;
    if (domain.names != Names::itself) settings.kinds = {acme::ChallengeKind::dns_01};
    const bool by_dns = std::find(settings.kinds.begin(), settings.kinds.end(),
                                  acme::ChallengeKind::dns_01) != settings.kinds.end();
    if (by_dns && order_.dns) {
      provider_ = TRY(make_dns_provider(*order_.dns, shop_.world()));
      settings.total_ms += order_.dns->max_wait_ms;
    } else if (by_dns) {
      std::erase(settings.kinds, acme::ChallengeKind::dns_01);
    }
    if (settings.kinds.empty())
      return fail(Errc::config,
                  "{} has to be proven by a DNS record, and no way to set one is "
                  "configured for it",
                  settings.names.front());
  }
  session_.emplace(std::move(settings), *order_.account_key, now());
  return ok();
}

void Issuance::step()
{
  const acme::Step step = session_->next(now());
  if (const auto* call = std::get_if<acme::Call>(&step)) {
    send(*call);
  } else if (const auto* wait = std::get_if<acme::WaitUntil>(&step)) {
    shop_.after(shared_from_this(), wait->at.ms - now().ms, [this] { this->step(); });
  } else if (const auto* proofs = std::get_if<acme::Provision>(&step)) {
    provide(*proofs);
  } else if (const auto* failed = std::get_if<acme::Failed>(&step)) {
    NotIssued out{failed->error, {}};
    if (failed->not_before) out.retry_after_ms = failed->not_before->ms - now().ms;
    finish(std::move(out));
  } else {
    const auto& done = std::get<acme::Finished>(step);
    Issued out{done.account_url, {}, session_->directory()};
    if (order_.domain) {
      auto certificate = read_certificate(order_.domain->name, done.chain_pem, key_->pkcs8_pem());
      if (!certificate) return finish(NotIssued{std::move(certificate).error(), {}});
      out.certificate = *std::move(certificate);
    }
    got(std::move(out));
  }
}

/// What several nodes share is theirs before it is used here.
void Issuance::got(Issued issued)
{
  if (!order_.turn) return finish(std::move(issued));
  Account account{order_.acme.directory_url, issued.account_url, order_.account_key->pkcs8_der()};
  shop_.run(
      shared_from_this(),
      [turn = order_.turn, certificate = issued.certificate, account = std::move(account)] {
        return certificate ? turn->keep(*certificate) : turn->keep(account);
      },
      [this, issued](Status kept) {
        if (!kept) return finish(NotIssued{std::move(kept).error(), {}});
        finish(issued);
      });
}

void Issuance::send(const acme::Call& call)
{
  fetch::ClientRequest request{call.method, call.url, {}, call.body, order_.acme.ca_file};
  if (!call.content_type.empty()) request.headers.push_back({"Content-Type", call.content_type});
  if (!call.accept.empty()) request.headers.push_back({"Accept", call.accept});
  struct Sent {
    Status ours = ok();
    Result<http::Response> answer = fail(Errc::internal, "not asked");
  };
  shop_.run(
      shared_from_this(),
      [request, ask = shop_.world().send, turn = order_.turn] {
        Sent out;
        if (turn && request.method == "POST") out.ours = turn->holds();
        if (out.ours) out.answer = ask(request, authority_limits);
        return out;
      },
      [this](Sent out) {
        if (!out.ours) return finish(NotIssued{std::move(out.ours).error(), {}});
        sent(std::move(out.answer));
      });
}

void Issuance::sent(Result<http::Response> answer)
{
  if (answer)
    session_->answer(*answer, now());
  else
    session_->unreachable(answer.error(), now());
  step();
}

void Issuance::provide(const acme::Provision& provision)
{
  if (auto sorted = sort_proofs(provision.proofs); !sorted)
    return not_provided(std::move(sorted).error());
  const auto go_on = [this] { records_.empty() ? provided() : add_records(); };
  if (!order_.turn || (challenges_.alpn.empty() && challenges_.http.empty())) return go_on();
  shop_.run(
      shared_from_this(), [turn = order_.turn, all = challenges_] { return turn->answer(all); },
      [this, go_on](Status answered) {
        if (!answered) return not_provided(std::move(answered).error());
        go_on();
      });
}

/// Challenges of HTTP and TLS are in place at once; records are remembered.
Status Issuance::sort_proofs(const std::vector<acme::Proof>& proofs)
{
  Challenges challenges;
  for (const acme::Proof& proof : proofs) {
    switch (proof.kind) {
    case acme::ChallengeKind::dns_01: {
      const acme::TxtRecord record = acme::dns_01_record(proof);
      const std::string& elsewhere = order_.domain->challenge_name;
      records_.push_back({elsewhere.empty() ? record.name : elsewhere, record.value});
      break;
    }
    case acme::ChallengeKind::http_01: {
      acme::HttpResource resource = acme::http_01_resource(proof);
      challenges.http.push_back({proof.domain, std::move(resource.path), std::move(resource.body)});
      break;
    }
    case acme::ChallengeKind::tls_alpn_01: {
      const auto key = crypto::P256Key::generate();
      const Bytes der = TRY(acme::tls_alpn_01_certificate(proof, key, now()));
      challenges.alpn.push_back({proof.domain, x509::to_pem(der), key.pkcs8_pem()});
      break;
    }
    }
  }
  challenges_ = challenges;
  if (!challenges.http.empty() || !challenges.alpn.empty())
    shop_.answer_for(this, std::move(challenges));
  return ok();
}

void Issuance::add_records()
{
  shop_.run(
      shared_from_this(),
      [provider = provider_, records = records_]() -> Status {
        for (const WantedText& one : records)
          TRY(provider->add(one.name, one.value));
        return ok();
      },
      [this](Status added) {
        if (!added) return not_provided(std::move(added).error());
        const std::int64_t started = sys::monotonic_ms();
        look_until_ms_ = started + order_.dns->max_wait_ms;
        look_pause_ms_ = first_look_pause_ms;
        for (const std::string& one : order_.dns->check_servers)
          servers_.push_back({one});
        look();
      });
}

/// Until the zone's servers show the records, or for as long as the settings say.
void Issuance::look()
{
  if (sys::monotonic_ms() >= look_until_ms_) return provided();
  struct Looked {
    std::vector<ZoneServer> servers{};
    bool shown = false;
  };
  shop_.run(
      shared_from_this(),
      [records = records_, servers = servers_, resolvers = order_.dns->resolvers] {
        Looked out{servers, false};
        if (out.servers.empty()) {
          auto found = zone_servers(records.front().name, resolvers, find_servers);
          if (found) out.servers = *std::move(found);
        }
        out.shown = !out.servers.empty() && all_show(out.servers, records, one_look);
        return out;
      },
      [this](Looked looked) {
        if (looked.shown) return provided();
        servers_ = std::move(looked.servers);
        const std::int64_t left = look_until_ms_ - sys::monotonic_ms();
        shop_.after(shared_from_this(), std::min(look_pause_ms_, left), [this] { look(); });
        look_pause_ms_ = std::min(look_pause_ms_ * 2, longest_look_pause_ms);
      });
}

void Issuance::provided()
{
  session_->provisioned();
  step();
}

void Issuance::not_provided(Error error)
{
  session_->not_provisioned(std::move(error));
  step();
}

/// Another node may go on before anybody here hears how it went: what is begun then finds it free.
void Issuance::finish(Outcome outcome)
{
  shop_.answer_for(this, {});
  if (!order_.turn) return conclude(std::move(outcome));
  shop_.run(
      shared_from_this(),
      [turn = order_.turn] {
        turn->leave();
        return true;
      },
      [this, outcome](bool) { conclude(outcome); });
}

void Issuance::conclude(Outcome outcome)
{
  const auto alive = shared_from_this();
  told_(std::move(outcome));
  clean_up();
}

void Issuance::clean_up()
{
  if (records_.empty()) return over_();
  using Left = std::vector<std::pair<WantedText, Error>>;
  shop_.run(
      shared_from_this(),
      [provider = provider_, records = records_] {
        Left left;
        for (const WantedText& one : records)
          if (auto removed = provider->remove(one.name, one.value); !removed)
            left.emplace_back(one, std::move(removed).error());
        return left;
      },
      [this](const Left& left) {
        records_.clear();
        for (const auto& [record, error] : left)
          records_.push_back(record);
        if (!left.empty() && ++clean_ups_ < most_clean_ups)
          return shop_.after(shared_from_this(), order_.clean_up_pause_ms << (clean_ups_ - 1),
                             [this] { clean_up(); });
        for (const auto& [record, error] : left)
          if (shop_.listener().note)
            shop_.listener().note(fmt::format("the TXT record {} of {} is still there: {}",
                                              record.value, record.name, error.message()));
        over_();
      });
}

} // namespace dstack::certs
