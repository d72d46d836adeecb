// What each answer of the server leads to.
#include "acme/session.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"
#include "x509/request.hpp"

#include <algorithm>

namespace dstack::acme {

namespace {

constexpr std::size_t max_chain = 10;

Result<std::string> location_of(const http::Response& response, std::string_view directory_url)
{
  const std::string* location = response.header("location");
  if (location == nullptr) return fail(Errc::malformed, "no Location");
  return server_url(*location, directory_url).within("Location");
}

/// The first kind we can prove that is offered; nullptr when there is none.
const Challenge* best_challenge(const Authorization& authorization,
                                const std::vector<ChallengeKind>& kinds)
{
  for (const ChallengeKind kind : kinds)
    for (const Challenge& one : authorization.challenges)
      if (one.kind == kind) return &one;
  return nullptr;
}

std::string why_invalid(const Authorization& authorization)
{
  for (const Challenge& one : authorization.challenges)
    if (one.error) return fmt::format("{}: {}", name_of(one.kind), one.error->text());
  return "no reason given";
}

std::vector<std::string> sorted(std::vector<std::string> names)
{
  for (std::string& name : names)
    name = lower(name);
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace

void Session::take(const http::Response& response, Time now)
{
  const auto done = [&]() -> Status {
    switch (stage_) {
    case Stage::directory:
      directory_ = TRY(parse_directory(response.body, settings_.directory_url));
      if (directory_.external_account_required && !settings_.external && account_url_.empty())
        return fail(Errc::config, "the authority wants a new account to be bound to one that it "
                                  "knows (external account binding): none is configured");
      stage_ = account_url_.empty() || settings_.names.empty() ? Stage::account : Stage::order;
      return ok();
    case Stage::account:
      return take_account(response);
    case Stage::order:
      return take_order(response).within("order");
    case Stage::authorizations:
      return take_authorization(response).within("authorization");
    case Stage::challenges:
      if (++at_ < pending_.size()) return ok();
      at_ = 0;
      stage_ = Stage::validation;
      return ok();
    case Stage::validation:
      return take_validation(response, now).within("authorization");
    case Stage::readiness:
    case Stage::finalization:
    case Stage::issuance:
      return take_order_state(response, now).within("order");
    case Stage::download:
      return take_certificate(response, now).within("certificate");
    case Stage::provision:
    case Stage::finished:
    case Stage::failed:
      break;
    }
    bug("an answer to nothing");
  }();
  if (!done) give_up(Error{done.error()}.within("ACME"));
}

Status Session::take_account(const http::Response& response)
{
  if (account_state_of(response.body) != State::valid)
    return fail(Errc::denied, "the account {} is not valid any more", account_url_);
  if (account_url_.empty())
    account_url_ = TRY(location_of(response, settings_.directory_url).within("account"));
  stage_ = settings_.names.empty() ? Stage::finished : Stage::order;
  return ok();
}

Status Session::take_order(const http::Response& response)
{
  order_ = TRY(parse_order(response.body, settings_.directory_url));
  order_url_ = TRY(location_of(response, settings_.directory_url));
  if (sorted(order_.names) != sorted(settings_.names))
    return fail(Errc::malformed, "it is for {}", join(order_.names, ", "));
  at_ = 0;
  stage_ = Stage::authorizations;
  if (order_.authorizations.empty()) after_authorizations();
  return ok();
}

Status Session::take_authorization(const http::Response& response)
{
  const Authorization one = TRY(parse_authorization(response.body, settings_.directory_url));
  const std::string name = one.wildcard ? "*." + one.domain : one.domain;
  const auto asked = sorted(settings_.names);
  if (!std::binary_search(asked.begin(), asked.end(), name))
    return fail(Errc::malformed, "it is for {}", name);
  if (one.state == State::pending) {
    const Challenge* challenge = best_challenge(one, settings_.kinds);
    if (challenge == nullptr)
      return fail(Errc::unsupported, "{}: the authority offers no kind of proof that we can give",
                  name);
    pending_.push_back(
        {order_.authorizations.at(at_), *challenge, make_proof(one, *challenge, *key_)});
  } else if (one.state != State::valid) {
    return fail(Errc::denied, "{}: {}", name, why_invalid(one));
  }
  if (++at_ == order_.authorizations.size()) after_authorizations();
  return ok();
}

/// Authorizations that are valid from before need no proof; the order may even be ready already.
void Session::after_authorizations()
{
  at_ = 0;
  stage_ = !pending_.empty()                ? Stage::provision
           : order_.state == State::pending ? Stage::readiness
                                            : Stage::finalization;
}

Status Session::take_validation(const http::Response& response, Time now)
{
  const Authorization one = TRY(parse_authorization(response.body, settings_.directory_url));
  if (one.state == State::pending || one.state == State::processing) {
    pause(&response, now);
    return ok();
  }
  if (one.state != State::valid) return fail(Errc::denied, "{}: {}", one.domain, why_invalid(one));
  pause_ms_ = 0;
  if (++at_ == pending_.size()) stage_ = Stage::readiness;
  return ok();
}

Status Session::take_order_state(const http::Response& response, Time now)
{
  order_ = TRY(parse_order(response.body, settings_.directory_url));
  switch (order_.state) {
  case State::pending:
    stage_ = Stage::readiness;
    pause(&response, now);
    return ok();
  case State::ready:
    // Asked to finalize and still ready: the answer may be older than the request.
    if (stage_ != Stage::readiness) pause(&response, now);
    stage_ = stage_ == Stage::readiness ? Stage::finalization : Stage::issuance;
    return ok();
  case State::processing:
    stage_ = Stage::issuance;
    pause(&response, now);
    return ok();
  case State::valid:
    stage_ = Stage::download;
    return ok();
  case State::invalid:
  case State::gone:
    break;
  }
  return fail(Errc::denied, "it became invalid: {}",
              order_.error ? order_.error->text() : "no reason given");
}

Status Session::take_certificate(const http::Response& response, Time now)
{
  TRY(check_chain(response.body, settings_.certificate_spki, settings_.names, now));
  chain_pem_ = response.body;
  stage_ = Stage::finished;
  return ok();
}

Status check_chain(std::string_view chain_pem,
                   ByteView spki,
                   const std::vector<std::string>& names,
                   Time now)
{
  if (chain_pem.size() > max_answer)
    return fail(Errc::malformed, "a chain of {} bytes (at most {})", chain_pem.size(), max_answer);
  const auto chain = TRY(x509::certificates_of_pem(chain_pem, max_chain));
  if (chain.empty()) return fail(Errc::malformed, "no certificate");
  const auto ours = TRY(x509::read_certificate(chain.front()));
  if (!equal(ours.spki, spki)) return fail(Errc::malformed, "it is for another key");
  if (ours.not_after <= now.seconds())
    return fail(Errc::malformed, "it expired on {}", format_utc(Time{ours.not_after * 1000}));
  auto held = sorted(TRY(x509::dns_names_of(chain.front())));
  for (const std::string& name : names)
    if (!std::binary_search(held.begin(), held.end(), lower(name)))
      return fail(Errc::malformed, "it is not for {}", name);
  for (std::size_t i = 1; i < chain.size(); ++i)
    static_cast<void>(TRY(x509::read_certificate(chain[i]).within("certificate {}", i + 1)));
  return ok();
}

} // namespace dstack::acme
