#include "acme/session.hpp"

#include "codec/json_list.hpp"

#include <algorithm>

namespace dstack::acme {

namespace {

using codec::Json;

constexpr unsigned max_failures = 6;
constexpr unsigned max_refused_nonces = 20;
constexpr std::int64_t max_pause_ms = 10'000;
constexpr std::int64_t max_backoff_ms = 30'000;
constexpr std::string_view pem_chain = "application/pem-certificate-chain";

std::optional<Time> retry_after_of(const http::Response& response, Time now)
{
  const std::string* value = response.header("retry-after");
  return value == nullptr ? std::nullopt : retry_after(*value, now);
}

bool is_success(int status)
{
  return status == 200 || status == 201;
}

} // namespace

Session::Session(SessionSettings settings, const crypto::P256Key& account_key, Time now)
    : settings_(std::move(settings)), key_(&account_key), deadline_{now.ms + settings_.total_ms},
      account_url_(settings_.account_url)
{
  if (const auto url = server_url(settings_.directory_url, ""); !url)
    give_up(fail(Errc::config, "ACME directory: {}", url.error().message()));
}

std::string Session::account_payload() const
{
  Json out = Json::object();
  if (!directory_.terms_of_service.empty()) out.set("termsOfServiceAgreed", true);
  if (!settings_.contacts.empty()) out.set("contact", codec::list_of(settings_.contacts));
  if (settings_.external)
    out.set("externalAccountBinding",
            external_account_binding(*settings_.external, *key_, directory_.new_account));
  return write_json(out);
}

std::string Session::order_payload() const
{
  Json identifiers = Json::array();
  for (const std::string& name : settings_.names)
    identifiers.push(Json{}.set("type", "dns").set("value", name));
  Json out = Json{}.set("identifiers", std::move(identifiers));
  if (!settings_.replaces.empty()) out.set("replaces", settings_.replaces);
  return write_json(out);
}

Session::Post Session::post() const
{
  switch (stage_) {
  case Stage::account:
    // A known account is only looked at (RFC 8555 7.3.3 has no better way than asking for it).
    if (!account_url_.empty()) return {account_url_, "", ""};
    return {directory_.new_account, account_payload(), ""};
  case Stage::order:
    return {directory_.new_order, order_payload(), ""};
  case Stage::authorizations:
    return {order_.authorizations.at(at_), "", ""};
  case Stage::challenges:
    return {pending_.at(at_).challenge.url, "{}", ""};
  case Stage::validation:
    return {pending_.at(at_).authorization_url, "", ""};
  case Stage::readiness:
  case Stage::issuance:
    return {order_url_, "", ""};
  case Stage::finalization:
    return {order_.finalize, write_json(Json{}.set("csr", base64url(settings_.csr))), ""};
  case Stage::download:
    return {order_.certificate, "", std::string{pem_chain}};
  case Stage::directory:
  case Stage::provision:
  case Stage::finished:
  case Stage::failed:
    break;
  }
  bug("nothing to post");
}

Step Session::next(Time now)
{
  DSTACK_ASSERT(!awaiting_);
  if (stage_ == Stage::finished) return Finished{account_url_, chain_pem_};
  if (stage_ != Stage::failed && now >= deadline_)
    give_up(fail(Errc::timeout, "no certificate within {}",
                 format_duration_ms(static_cast<std::uint64_t>(settings_.total_ms))),
            failure_.problem, failure_.not_before);
  if (stage_ == Stage::failed) return failure_;
  if (stage_ == Stage::provision) {
    Provision out;
    for (const Pending& one : pending_)
      out.proofs.push_back(one.proof);
    return out;
  }
  if (now < not_before_) return WaitUntil{std::min(not_before_, deadline_)};
  awaiting_ = true;
  if (stage_ == Stage::directory) return Call{"GET", settings_.directory_url, "", "", ""};
  asking_nonce_ = nonce_.empty();
  if (asking_nonce_) return Call{"HEAD", directory_.new_nonce, "", "", ""};
  const Post what = post();
  const bool by_key = stage_ == Stage::account && account_url_.empty();
  const JwsHeader header{what.url, std::exchange(nonce_, {}), by_key ? "" : account_url_};
  return Call{"POST", what.url, "application/jose+json", what.accept,
              signed_request(*key_, header, what.payload)};
}

void Session::provisioned()
{
  DSTACK_ASSERT(stage_ == Stage::provision);
  stage_ = Stage::challenges;
  at_ = 0;
}

void Session::not_provisioned(Error error)
{
  give_up(std::move(error).within("setting up the proof"));
}

void Session::unreachable(const Error& error, Time now)
{
  DSTACK_ASSERT(awaiting_);
  awaiting_ = false;
  again(error, std::nullopt, now);
}

void Session::answer(const http::Response& response, Time now)
{
  DSTACK_ASSERT(awaiting_);
  awaiting_ = false;
  const std::string* nonce = response.header("replay-nonce");
  if (nonce != nullptr && is_token(*nonce)) nonce_ = *nonce;
  const bool for_nonce = std::exchange(asking_nonce_, false);
  if (response.status >= 500)
    return again(fail(Errc::io, "the authority answered with status {}: {}", response.status,
                      parse_problem(response.body, response.status).text()),
                 retry_after_of(response, now), now);
  if (for_nonce) {
    // RFC 8555 7.2: 200 for HEAD; some answer 204.
    if (nonce_.empty()) again(fail(Errc::io, "the authority gave no nonce"), std::nullopt, now);
    return;
  }
  if (!is_success(response.status)) return take_problem(response, now);
  failures_ = 0;
  refused_nonces_ = 0;
  take(response, now);
}

void Session::again(const Error& error, std::optional<Time> not_before, Time now)
{
  if (++failures_ > max_failures || (not_before && *not_before >= deadline_))
    return give_up(error, {}, not_before);
  const Time at{now.ms + std::min(std::int64_t{1000} << (failures_ - 1), max_backoff_ms)};
  not_before_ = not_before ? std::max(at, *not_before) : at;
}

void Session::give_up(Error error, std::string problem, std::optional<Time> not_before)
{
  stage_ = Stage::failed;
  failure_ = Failed{std::move(error), std::move(problem), not_before};
}

/// A pause before asking for the same thing again: what the server says, else growing ones.
void Session::pause(const http::Response* response, Time now)
{
  pause_ms_ =
      std::min(pause_ms_ == 0 ? settings_.poll_ms : pause_ms_ + pause_ms_ / 2, max_pause_ms);
  const auto asked = response != nullptr ? retry_after_of(*response, now) : std::nullopt;
  not_before_ =
      asked ? std::max(*asked, Time{now.ms + settings_.poll_ms}) : Time{now.ms + pause_ms_};
}

/// Refusals that only mean that the request has to be made differently.
bool Session::try_again_otherwise(const Problem& problem)
{
  if (problem.type == "badNonce") return ++refused_nonces_ <= max_refused_nonces;
  // RFC 9773 5: the certificate before was replaced already; that is no reason not to renew.
  if (problem.type == "alreadyReplaced" && stage_ == Stage::order && !settings_.replaces.empty()) {
    settings_.replaces.clear();
    return true;
  }
  return false;
}

void Session::take_problem(const http::Response& response, Time now)
{
  const Problem problem = parse_problem(response.body, response.status);
  if (try_again_otherwise(problem)) return;
  if (problem.type == "orderNotReady" && stage_ == Stage::finalization) {
    stage_ = Stage::readiness;
    return pause(&response, now);
  }
  const bool limited = response.status == 429 || problem.type == "rateLimited";
  const auto not_before = retry_after_of(response, now);
  const std::string what = stage_ == Stage::account ? "account" : "certificate";
  if (limited)
    return give_up(
        fail(Errc::denied, "the authority limits how often it is asked: {}", problem.text()),
        "rateLimited", not_before);
  if (problem.type == "userActionRequired")
    return give_up(
        fail(Errc::denied, "the authority has new terms to be agreed to: {}", problem.text()),
        problem.type);
  give_up(fail(Errc::denied, "the authority refused the {}: {}", what, problem.text()),
          problem.type, not_before);
}

} // namespace dstack::acme
