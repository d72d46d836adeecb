// Many connections through a gateway for a while, most of them resting, some busy, all replaced
// over and over:
//   gateway_churn ADDRESS WEB-NAME RESPONDER-NAME RESPONDER-ADDRESS CONNECTIONS ACTIVE CHURN
//   SECONDS
// Half of the CONNECTIONS ask WEB-NAME over TLS that ends at the gateway, half RESPONDER-NAME,
// which is passed through; ACTIVE of them ask something four times a second. CHURN a second end,
// each in another way, and others take their place. Beside them, connections to the responder
// itself ask as often: what the gateway adds to their time is the result. One thread; clients come
// from 40 addresses of 127.0.1.0/24. Prints {"ready":…} when all are there, at the end one JSON
// document.
#include "client.hpp"
#include "tool.hpp"

#include "codec/json.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <openssl/err.h>
#include <sys/socket.h>

namespace dstack::gateway_load {
namespace {

using codec::Json;

constexpr std::uint32_t first_source = 0x7f000101; // 127.0.1.1
constexpr std::uint32_t sources = 40;
constexpr std::size_t direct_connections = 100;
constexpr std::int64_t question_period_ms = 250;
constexpr std::int64_t ramp_per_second = 1'000;
constexpr std::int64_t answer_patience_ms = 10'000;
constexpr std::size_t answer_size = 128;

double now_us()
{
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// What connections of one kind came to.
struct Kindred {
  Task task{};
  std::uint32_t source = 0; ///< 0: any address
  std::vector<float> microseconds{};
  std::uint64_t begun = 0;
  std::uint64_t errors = 0;
  std::string first_error{};
};

/// How a client takes its leave.
enum class Leave { politely, reset, half_closed, without_a_word };

class Life {
public:
  Life(Kindred& kindred, Epoll& epoll) : kindred_(kindred), epoll_(epoll) {}

  Status begin()
  {
    const std::uint64_t number = kindred_.begun++;
    const std::uint32_t from =
        kindred_.source == 0 ? 0 : kindred_.source + static_cast<std::uint32_t>(number % sources);
    session_.reset();
    fd_ = TRY(connect_to(kindred_.task.to, from));
    stage_ = Stage::connecting;
    answered_ = 0;
    since_ms_ = sys::monotonic_ms();
    if (kindred_.task.via == Via::tls) {
      session_ = new_session(kindred_.task);
      SSL_set_quiet_shutdown(session_.get(), 0);
      SSL_set_fd(session_.get(), fd_.get());
    }
    return epoll_.add(fd_.get(), EPOLLOUT, this);
  }

  Status ready()
  {
    if (stage_ == Stage::connecting) {
      epoll_.change(fd_.get(), EPOLLIN, this);
      stage_ = Stage::greeting;
      if (!session_) return send(kindred_.task.hello);
    }
    if (stage_ == Stage::greeting && session_) {
      const int result = SSL_do_handshake(session_.get());
      if (result != 1) return waiting(result) ? ok() : broken("the handshake failed");
      return ask();
    }
    return take();
  }

  bool quiet() const { return stage_ == Stage::quiet; }
  bool over() const { return stage_ == Stage::over; }
  /// An answer, or the end of a half-closed connection, that is long in coming.
  bool stuck() const
  {
    return stage_ != Stage::quiet && stage_ != Stage::over &&
           sys::monotonic_ms() - since_ms_ > answer_patience_ms;
  }

  Status ask()
  {
    stage_ = Stage::asked;
    answered_ = 0;
    since_ms_ = sys::monotonic_ms();
    start_us_ = now_us();
    if (!session_) return send(Bytes(100, 'q'));
    const std::string request =
        fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", kindred_.task.name);
    if (SSL_write(session_.get(), request.data(), static_cast<int>(request.size())) > 0)
      return ok();
    return broken("a request is not taken");
  }

  void leave(Leave how)
  {
    if (stage_ == Stage::connecting) how = Leave::reset;
    if (session_ && how != Leave::reset && how != Leave::without_a_word)
      SSL_shutdown(session_.get());
    ERR_clear_error();
    since_ms_ = sys::monotonic_ms();
    if (how == Leave::half_closed) {
      ::shutdown(fd_.get(), SHUT_WR);
      stage_ = Stage::leaving;
      return;
    }
    stage_ = Stage::over;
    if (how == Leave::reset) abort_connection(std::move(fd_));
    fd_ = sys::Fd{};
  }

private:
  enum class Stage { connecting, greeting, asked, quiet, leaving, over };

  Status send(ByteView bytes)
  {
    const Moved out = send_some(fd_.get(), bytes);
    return out.how == Io::some && out.bytes == bytes.size() ? ok() : broken("bytes are not taken");
  }

  Status take()
  {
    std::array<std::uint8_t, 4096> buffer{};
    std::size_t size = 0;
    if (session_ && stage_ != Stage::leaving) {
      const int n = SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (n <= 0) return waiting(n) ? ok() : broken("TLS ended");
      size = static_cast<std::size_t>(n);
    } else {
      const Moved in = receive_some(fd_.get(), buffer);
      if (in.how == Io::blocked) return ok();
      if (in.how != Io::some) return broken("the connection ended");
      size = in.bytes;
    }
    if (stage_ == Stage::leaving) return ok();
    answered_ += size;
    const std::string_view text = as_text(ByteView{buffer}.first(size));
    if (session_ ? !text.ends_with("\r\n\r\nok") : answered_ < answer_size) return ok();
    if (stage_ == Stage::asked)
      kindred_.microseconds.push_back(static_cast<float>(now_us() - start_us_));
    stage_ = Stage::quiet;
    return ok();
  }

  bool waiting(int result)
  {
    const bool out = SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return out;
  }

  /// The end of what was half-closed is what it waits for; any other is an error.
  Status broken(const std::string& why)
  {
    const bool wanted = stage_ == Stage::leaving;
    stage_ = Stage::over;
    fd_ = sys::Fd{};
    if (wanted) return ok();
    if (kindred_.errors++ == 0) kindred_.first_error = why;
    return begin();
  }

  Kindred& kindred_;
  Epoll& epoll_;
  sys::Fd fd_{};
  Session session_{};
  Stage stage_ = Stage::over;
  std::size_t answered_ = 0;
  std::int64_t since_ms_ = 0;
  double start_us_ = 0;
};

struct Settings {
  std::size_t connections = 0;
  std::size_t active = 0;
  std::int64_t churn_per_second = 0;
  std::int64_t time_ms = 0;
};

class Churn {
public:
  Churn(const Settings& settings, Epoll epoll, Kindred tls, Kindred passed, Kindred direct)
      : settings_(settings), epoll_(std::move(epoll)), tls_(std::move(tls)),
        passed_(std::move(passed)), direct_(std::move(direct))
  {
  }

  Status run()
  {
    TRY(ramp());
    std::printf("{\"ready\":%zu}\n", lives_.size());
    std::fflush(stdout);
    for (Kindred* one : {&tls_, &passed_, &direct_})
      one->microseconds.clear();
    const std::int64_t start = sys::monotonic_ms();
    std::int64_t passed_ms = 0;
    while (passed_ms < settings_.time_ms) {
      TRY(turn(1));
      const std::int64_t now = sys::monotonic_ms() - start;
      for (; passed_ms < now; ++passed_ms)
        TRY(millisecond(passed_ms));
    }
    return finish();
  }

  Json report()
  {
    Json out;
    out.set("replaced", replaced_).set("stuck", stuck_).set("not_asked", not_asked_);
    out.set("terminated", report(tls_)).set("passed_through", report(passed_));
    return out.set("direct", report(direct_));
  }

private:
  Status turn(int wait_ms)
  {
    for (const epoll_event& event : epoll_.wait(wait_ms))
      TRY(static_cast<Life*>(event.data.ptr)->ready());
    std::erase_if(leaving_, [](const auto& life) { return life->over(); });
    return ok();
  }

  Status add(std::vector<std::unique_ptr<Life>>& to, Kindred& kindred)
  {
    to.push_back(std::make_unique<Life>(kindred, epoll_));
    return to.back()->begin();
  }

  Status ramp()
  {
    const std::int64_t start = sys::monotonic_ms();
    while (lives_.size() < settings_.connections) {
      TRY(add(lives_, lives_.size() % 2 == 0 ? tls_ : passed_));
      while ((sys::monotonic_ms() - start) * ramp_per_second <
             static_cast<std::int64_t>(lives_.size()) * 1000)
        TRY(turn(1));
    }
    while (direct_lives_.size() < direct_connections)
      TRY(add(direct_lives_, direct_));
    const sys::Deadline end{std::chrono::milliseconds{answer_patience_ms}};
    const auto quiet = [](const auto& life) { return life->quiet(); };
    while (!std::all_of(lives_.begin(), lives_.end(), quiet) ||
           !std::all_of(direct_lives_.begin(), direct_lives_.end(), quiet)) {
      TRY(turn(10));
      if (end.passed())
        return fail(Errc::timeout, "not all {} connections are up: {}", lives_.size(),
                    tls_.first_error + passed_.first_error + direct_.first_error);
    }
    return ok();
  }

  /// What is due in one millisecond: questions, spread over their period, and some replacements.
  Status millisecond(std::int64_t at)
  {
    const auto due = [at](std::size_t count) { // of so many in a period, those of this millisecond
      const auto slot = static_cast<std::size_t>(at % question_period_ms);
      constexpr auto period = static_cast<std::size_t>(question_period_ms);
      return std::pair{count * slot / period, count * (slot + 1) / period};
    };
    const auto busy = due(settings_.active);
    for (std::size_t i = busy.first; i < busy.second; ++i)
      TRY(question(*lives_[i]));
    const auto direct = due(direct_lives_.size());
    for (std::size_t i = direct.first; i < direct.second; ++i)
      TRY(question(*direct_lives_[i]));
    owed_ += settings_.churn_per_second;
    for (; owed_ >= 1000; owed_ -= 1000)
      TRY(replace_next());
    return ok();
  }

  Status question(Life& life)
  {
    if (life.quiet()) return life.ask();
    ++not_asked_; // still new, or the answer before is still to come
    return ok();
  }

  Status replace_next()
  {
    constexpr std::size_t stride = 7919; // a prime: through all places, the busy ones among them
    place_ = (place_ + stride) % lives_.size();
    auto& life = lives_[place_];
    if (life->stuck()) ++stuck_;
    life->leave(static_cast<Leave>(replaced_++ % 4));
    if (!life->over()) leaving_.push_back(std::move(life));
    life = std::make_unique<Life>(place_ % 2 == 0 ? tls_ : passed_, epoll_);
    return life->begin();
  }

  /// Everybody half-closes, and must see the end from the other side.
  Status finish()
  {
    for (auto& life : lives_) {
      if (life->stuck()) ++stuck_;
      life->leave(Leave::half_closed);
      if (!life->over()) leaving_.push_back(std::move(life));
    }
    lives_.clear();
    const sys::Deadline end{std::chrono::milliseconds{2 * answer_patience_ms}};
    while (!leaving_.empty() && !end.passed())
      TRY(turn(10));
    stuck_ += leaving_.size();
    return ok();
  }

  static Json report(Kindred& of)
  {
    std::sort(of.microseconds.begin(), of.microseconds.end());
    const auto at = [&of](double part) {
      if (of.microseconds.empty()) return 0.0;
      const auto last = static_cast<double>(of.microseconds.size() - 1);
      return static_cast<double>(of.microseconds[static_cast<std::size_t>(part * last)]);
    };
    return Json{}
        .set("begun", of.begun)
        .set("answers", std::uint64_t{of.microseconds.size()})
        .set("p50_us", at(0.5))
        .set("p99_us", at(0.99))
        .set("errors", of.errors)
        .set("first_error", of.first_error);
  }

  Settings settings_;
  Epoll epoll_;
  Kindred tls_;
  Kindred passed_;
  Kindred direct_;
  std::vector<std::unique_ptr<Life>> lives_{};
  std::vector<std::unique_ptr<Life>> direct_lives_{};
  std::vector<std::unique_ptr<Life>> leaving_{};
  std::int64_t owed_ = 0; ///< thousandths of replacements
  std::size_t place_ = 0;
  std::uint64_t replaced_ = 0;
  std::uint64_t stuck_ = 0;
  std::uint64_t not_asked_ = 0;
};

Result<Kindred>
kindred(Via via, const std::string& address, const std::string& name, std::uint32_t source)
{
  Kindred out;
  out.task.via = via;
  out.task.to = TRY(tcp_address(address));
  out.task.name = name;
  out.source = source;
  TRY(prepare(out.task));
  return out;
}

Result<Json> run(const std::vector<std::string>& words)
{
  if (words.size() != 9)
    return fail(Errc::usage, "ADDRESS WEB-NAME RESPONDER-NAME RESPONDER-ADDRESS CONNECTIONS ACTIVE "
                             "CHURN SECONDS");
  Settings settings;
  settings.connections = TRY(parse_u64(words[5]));
  settings.active = std::min<std::size_t>(TRY(parse_u64(words[6])), settings.connections);
  settings.churn_per_second = static_cast<std::int64_t>(TRY(parse_u64(words[7])));
  settings.time_ms = 1000 * static_cast<std::int64_t>(TRY(parse_u64(words[8])));
  Kindred tls = TRY(kindred(Via::tls, words[1], words[2], first_source));
  Kindred passed = TRY(kindred(Via::passed_through, words[1], words[3], first_source));
  Kindred direct = TRY(kindred(Via::passed_through, words[4], words[3], 0));
  Churn churn{settings, TRY(Epoll::create()), std::move(tls), std::move(passed), std::move(direct)};
  TRY(churn.run());
  return churn.report();
}

} // namespace
} // namespace dstack::gateway_load

int main(int argc, char** argv)
{
  return dstack::gateway_load::tool("gateway_churn", dstack::gateway_load::run, {argv, argv + argc});
}
