#include "etcd/client.hpp"

#include "base/text.hpp"

namespace dstack::etcd {

namespace {

constexpr int good = 200;

bool may_another(const Error& error)
{
  return error.code() == Errc::io || error.code() == Errc::timeout ||
         error.code() == Errc::untrusted; // its certificate
}

} // namespace

void Client::forget_token()
{
  const std::lock_guard lock{mutex_};
  token_.clear();
}

/// Asked for when there is none yet.
Result<std::string> Client::token(std::size_t index)
{
  {
    const std::lock_guard lock{mutex_};
    if (!token_.empty()) return token_;
  }
  fetch::ClientRequest request;
  request.method = "POST";
  request.url = settings_.endpoints.at(index) + "/v3/auth/authenticate";
  request.body = authenticate_request(settings_.user, as_text(settings_.password.view()));
  request.ca_file = settings_.ca_file;
  request.certificate_file = settings_.certificate_file;
  request.key_file = settings_.key_file;
  const fetch::ClientLimits limits{settings_.timeout, settings_.timeout, max_answer, 0};
  const auto answer = TRY(http_.send(request, limits));
  if (answer.status != good) return refusal(answer.status, answer.body);
  const std::string out = TRY(parse_token(answer.body));
  const std::lock_guard lock{mutex_};
  token_ = out;
  return out;
}

Result<fetch::ClientRequest>
Client::request_to(std::size_t index, std::string_view path, const std::string& body)
{
  fetch::ClientRequest out;
  out.method = "POST";
  out.url = fmt::format("{}/v3/{}", settings_.endpoints.at(index), path);
  out.headers = {{"Content-Type", "application/json"}};
  if (!settings_.user.empty()) out.headers.push_back({"Authorization", TRY(token(index))});
  out.body = body;
  out.ca_file = settings_.ca_file;
  out.certificate_file = settings_.certificate_file;
  out.key_file = settings_.key_file;
  return out;
}

/// A token lasts some minutes: a refusal may only mean that a new one is due.
Result<std::string>
Client::ask_member(std::size_t index, std::string_view path, const std::string& body)
{
  const fetch::ClientLimits limits{settings_.timeout, settings_.timeout, max_answer, 0};
  for (bool again = !settings_.user.empty();; again = false) {
    const auto answer = TRY(http_.send(TRY(request_to(index, path, body)), limits));
    if (answer.status == good) return answer.body;
    const Error why = refusal(answer.status, answer.body);
    if (!again || why.code() != Errc::denied) return why;
    forget_token();
  }
}

Result<std::string> Client::ask(std::string_view path, const std::string& body)
{
  Error why = fail(Errc::io, "no member is known");
  const std::size_t first = preferred_;
  for (std::size_t i = 0; i < settings_.endpoints.size(); ++i) {
    const std::size_t index = (first + i) % settings_.endpoints.size();
    auto answer = ask_member(index, path, body);
    if (answer) {
      preferred_ = index;
      return answer;
    }
    if (!may_another(answer.error())) return answer;
    why = std::move(answer).error();
  }
  return why;
}

Result<Found> Client::range(const Range& what)
{
  return parse_found(TRY(ask("kv/range", range_request(what))));
}

Result<Outcome> Client::commit(const Transaction& what)
{
  return parse_outcome(TRY(ask("kv/txn", transaction_request(what))));
}

Result<Lease> Client::grant(std::int64_t seconds)
{
  return parse_lease(TRY(ask("lease/grant", grant_request(seconds))));
}

Result<Lease> Client::keep_alive(std::int64_t lease)
{
  return parse_lease(TRY(ask("lease/keepalive", lease_request(lease))));
}

Status Client::revoke(std::int64_t lease)
{
  static_cast<void>(TRY(ask("lease/revoke", lease_request(lease))));
  return ok();
}

/// A member without a leader ends it ("hasleader"), so that nobody waits for what cannot come.
Result<Notice>
Client::watch(const std::string& prefix, std::int64_t from, std::chrono::milliseconds patience)
{
  const std::size_t index = watched_ % settings_.endpoints.size();
  auto request = TRY(request_to(index, "watch", watch_request(prefix, end_of_prefix(prefix), from)));
  request.headers.push_back({"Grpc-Metadata-Hasleader", "true"});
  request.stop = &stopped_;
  fetch::ClientLimits limits{settings_.timeout, patience, max_answer, 0};
  limits.longest_silence = std::chrono::seconds{0};
  std::string line;
  std::optional<Result<Notice>> told;
  const auto take = [&](ByteView piece) -> Status {
    line += as_text(piece);
    for (auto end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
      auto notice = parse_notice(std::string_view{line}.substr(0, end));
      line.erase(0, end + 1);
      if (notice && notice->events.empty() && !notice->ended) continue; // it has begun
      told.emplace(std::move(notice));
      return fail(Errc::denied, "enough");
    }
    return ok();
  };
  const auto answer = http_.send(request, limits, take);
  if (told && *told && !(*told)->ended) return *std::move(told);
  if (told && *told && (*told)->compacted != 0) return *std::move(told);
  if (stopped_) return Notice{};
  if (!told && !answer && answer.error().code() == Errc::timeout) {
    // Silence, or nobody there: the next one is asked of the next member, and costs little.
    watched_ = index + 1;
    return Notice{};
  }
  watched_ = index + 1;
  if (told && !*told) return std::move(*told).error();
  if (!answer) return answer.error();
  if (answer->status == good) return fail(Errc::io, "etcd: the watch ended");
  forget_token();
  return refusal(answer->status, answer->body);
}

} // namespace dstack::etcd
