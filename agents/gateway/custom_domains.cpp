#include "agents/gateway/custom_domains.hpp"

#include "dns/message.hpp"
#include "net/resolve.hpp"
#include "sys/clock.hpp"

#include <algorithm>

namespace dstack::gatewaynode {

namespace {

constexpr std::chrono::milliseconds deadline{5'000}; // spec gateway 9.5: for all of one name
constexpr unsigned dns_threads = 8;
constexpr std::size_t max_names = 256;   ///< being asked for
constexpr std::size_t max_waiting = 256; ///< connections for one of them

struct Asked {
  route::TxtAnswer answer{};
  std::int64_t ttl_ms = 0;
};

/// The first TXT record of a name.
Asked ask(const std::optional<std::string>& name,
          const std::vector<std::string>& servers,
          const sys::Deadline& until)
{
  using Kind = route::TxtAnswer::Kind;
  Asked out;
  if (!name) return out;
  out.answer.kind = Kind::failed;
  const auto raw = net::query_dns(*name, dns::type::txt, servers, until.left());
  const auto message = raw ? dns::parse_message(*raw) : Result<dns::Message>{raw.error()};
  if (!message) return out;
  if (message->rcode == dns::rcode::no_such_name || message->rcode == dns::rcode::no_error)
    out.answer.kind = Kind::absent;
  for (const dns::Record& one : message->answers) {
    if (one.type != dns::type::txt || one.strings.empty()) continue;
    out.answer = {Kind::found, one.strings.front()};
    out.ttl_ms = std::chrono::milliseconds{std::chrono::seconds{one.ttl}}.count();
    break;
  }
  return out;
}

} // namespace

Result<std::unique_ptr<CustomDomains>> CustomDomains::create(sys::Loop& loop,
                                                             const gateway::ProxySettings& settings)
{
  std::unique_ptr<CustomDomains> out{new CustomDomains{settings}};
  out->pool_ = TRY(sys::WorkerPool::create(loop, {dns_threads, max_names}));
  return out;
}

CustomDomains::~CustomDomains()
{
  pool_.reset();
  for (auto& [host, answers] : waiting_)
    for (const Answer& answer : answers)
      answer(fail(Errc::io, "the gateway is stopping"));
}

void CustomDomains::look_up(const std::string& host, Answer answer)
{
  std::optional<gateway::NameCache::Answer> known;
  {
    const std::lock_guard lock{mutex_};
    if (const auto* cached = cache_.find(host, Time{sys::monotonic_ms()})) {
      known = *cached;
    } else if (const auto asked = waiting_.find(host); asked != waiting_.end()) {
      if (asked->second.size() < max_waiting) return asked->second.push_back(std::move(answer));
      known = fail(Errc::io, "too many connections wait for this name");
    } else if (waiting_.size() >= max_names) {
      known = fail(Errc::io, "too many names are being looked up");
    } else {
      waiting_[host].push_back(answer);
    }
  }
  if (known) return answer(*std::move(known));
  ++asked_;
  const auto what = std::make_shared<Found>();
  const auto work = [this, host, what] {
    *what = resolve(host);
    found(host, *what);
  };
  if (pool_->run(work, [] {})) return;
  what->answer = fail(Errc::io, "too many names are being looked up");
  found(host, *what);
}

CustomDomains::Found CustomDomains::resolve(const std::string& host) const
{
  const auto questions =
      route::txt_questions(host, settings_.txt_prefix, route::LegacyRecords::asked);
  const sys::Deadline until{deadline};
  const Asked exact = ask(questions.exact, settings_.dns_servers, until);
  // What the exact record says goes first, so that the others are not asked for then.
  const bool there = exact.answer.kind == route::TxtAnswer::Kind::found;
  const Asked legacy = there ? Asked{} : ask(questions.legacy, settings_.dns_servers, until);
  auto judged = route::judge_exact(exact.answer, legacy.answer);
  if (!judged) return {judged.error(), 0};
  if (*judged) return {**std::move(judged), there ? exact.ttl_ms : legacy.ttl_ms};
  const Asked wildcard = ask(questions.wildcard, settings_.dns_servers, until);
  return {route::judge_wildcard(host, exact.answer, wildcard.answer), wildcard.ttl_ms};
}

/// Errors are kept for a while, too: a name without a record would cost a question a connection.
void CustomDomains::found(const std::string& host, const Found& what)
{
  const std::int64_t ttl = what.answer ? what.ttl_ms : gateway::NameCache::most_negative_ms;
  std::vector<Answer> answers;
  {
    const std::lock_guard lock{mutex_};
    cache_.put(host, what.answer, ttl, Time{sys::monotonic_ms()});
    answers = std::move(waiting_[host]);
    waiting_.erase(host);
  }
  for (const Answer& one : answers)
    one(what.answer);
}

} // namespace dstack::gatewaynode
