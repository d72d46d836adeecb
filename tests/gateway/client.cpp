#include "client.hpp"

#include "sys/clock.hpp"

#include <array>
#include <chrono>
#include <openssl/err.h>

namespace dstack::gateway_load {

namespace {

constexpr std::size_t most_latencies = std::size_t{1} << 20U;
constexpr std::size_t question_size = 100;
constexpr std::size_t answer_size = 128; ///< of the responder

double now_us()
{
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<std::shared_ptr<SSL_CTX>> client_context()
{
  std::shared_ptr<SSL_CTX> out{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  SSL_CTX* context = out.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
    return crypto::openssl_error(Errc::internal, "prepare TLS");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return out;
}

Bytes client_hello(const Task& task)
{
  const Session session = new_session(task);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(session.get(), BIO_new(BIO_s_mem()), out);
  SSL_do_handshake(session.get());
  ERR_clear_error();
  Bytes hello(static_cast<std::size_t>(BIO_pending(out)));
  BIO_read(out, hello.data(), static_cast<int>(hello.size()));
  return hello;
}

} // namespace

Session new_session(const Task& task)
{
  Session out{SSL_new(task.tls.get())};
  std::string name = task.name; // SSL_ctrl takes no const
  SSL_ctrl(out.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  SSL_set_connect_state(out.get());
  SSL_set_quiet_shutdown(out.get(), 1);
  return out;
}

Status prepare(Task& task)
{
  task.tls = TRY(client_context());
  task.hello = client_hello(task);
  return ok();
}

class Client {
public:
  explicit Client(Crowd& crowd) : crowd_(crowd) {}

  Status begin()
  {
    fd_ = TRY(connect_to(crowd_.task_.to));
    stage_ = Stage::connecting;
    start_ = now_us();
    if (crowd_.task_.via == Via::tls) {
      session_ = new_session(crowd_.task_);
      SSL_set_fd(session_.get(), fd_.get());
    }
    return crowd_.epoll_.add(fd_.get(), EPOLLOUT, this);
  }

  Status ready()
  {
    switch (stage_) {
    case Stage::connecting:
      crowd_.epoll_.change(fd_.get(), EPOLLIN, this);
      stage_ = Stage::greeting;
      return crowd_.task_.via == Via::tls ? shake() : send_hello();
    case Stage::greeting:
      return crowd_.task_.via == Via::tls ? shake() : take_answer();
    case Stage::asking:
      return take_answer();
    case Stage::pulling:
      return pull();
    case Stage::resting:
      return again("a resting connection ended");
    }
    bug("no such stage");
  }

private:
  enum class Stage {
    connecting,
    greeting, ///< the handshake, or until the first answer of what is passed through
    asking,
    pulling,
    resting
  };
  Kind kind() const { return crowd_.task_.kind; }

  Status shake()
  {
    const int result = SSL_do_handshake(session_.get());
    if (result != 1) return waiting(result) ? ok() : again("the handshake failed");
    if (kind() == Kind::connect) return finished();
    return ask();
  }

  Status send_hello()
  {
    const Bytes& hello = crowd_.task_.hello;
    const Moved out = send_some(fd_.get(), hello);
    if (out.how != Io::some || out.bytes != hello.size())
      return again("the ClientHello is not taken");
    if (kind() == Kind::bulk) stage_ = Stage::pulling;
    return ok();
  }

  Status ask()
  {
    if (kind() == Kind::ask) start_ = now_us();
    if (session_) {
      const std::string request =
          fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
                      kind() == Kind::bulk ? "/bytes/1000000000000000" : "/", crowd_.task_.name);
      if (SSL_write(session_.get(), request.data(), static_cast<int>(request.size())) <= 0)
        return again("a request is not taken");
    } else {
      static const Bytes question(question_size, 'q');
      const Moved out = send_some(fd_.get(), question);
      if (out.how != Io::some || out.bytes != question_size)
        return again("a question is not taken");
    }
    stage_ = kind() == Kind::bulk ? Stage::pulling : Stage::asking;
    answered_ = 0;
    return ok();
  }

  /// Bytes that came, none when it has to wait for them, or what went wrong.
  Result<std::size_t> receive(std::span<std::uint8_t> into)
  {
    if (!session_) {
      const Moved in = receive_some(fd_.get(), into);
      if (in.how == Io::ended || in.how == Io::failed)
        return fail(Errc::io, "the connection ended");
      return in.bytes;
    }
    const int n = SSL_read(session_.get(), into.data(), static_cast<int>(into.size()));
    if (n > 0) return static_cast<std::size_t>(n);
    if (waiting(n)) return std::size_t{0};
    return fail(Errc::io, "TLS ended");
  }

  bool whole(ByteView piece)
  {
    answered_ += piece.size();
    return session_ ? as_text(piece).ends_with("\r\n\r\nok") : answered_ >= answer_size;
  }

  Status take_answer()
  {
    std::array<std::uint8_t, 4096> buffer{};
    const auto size = receive(buffer);
    if (!size) return again(size.error().message());
    if (*size == 0 || !whole(ByteView{buffer}.first(*size))) return ok();
    if (kind() == Kind::connect_and_ask) return finished();
    if (kind() == Kind::rest) {
      stage_ = Stage::resting;
      ++crowd_.resting_;
      return ok();
    }
    // The first answer of what is passed through belongs to the ClientHello.
    if (stage_ == Stage::asking) count();
    return ask();
  }

  Status pull()
  {
    constexpr int at_a_time = 8; // the others get their turn
    for (int i = 0; i < at_a_time; ++i) {
      const Moved in = discard_some(fd_.get());
      if (in.how == Io::blocked) return ok();
      if (in.how != Io::some) return again("the download ended");
      crowd_.tally_.bytes += in.bytes;
    }
    return ok();
  }

  bool waiting(int result)
  {
    const bool out = SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return out;
  }

  void count()
  {
    ++crowd_.tally_.done;
    auto& latencies = crowd_.tally_.microseconds;
    if (latencies.size() < most_latencies)
      latencies.push_back(static_cast<float>(now_us() - start_));
  }

  Status finished()
  {
    count();
    return anew();
  }

  Status again(const std::string& why)
  {
    if (stage_ == Stage::resting) --crowd_.resting_;
    if (crowd_.tally_.errors++ == 0) crowd_.tally_.first_error = why;
    return anew();
  }

  Status anew()
  {
    session_.reset();
    abort_connection(std::move(fd_));
    answered_ = 0;
    return begin();
  }

  Crowd& crowd_;
  sys::Fd fd_{};
  Session session_{};
  Stage stage_ = Stage::connecting;
  std::size_t answered_ = 0;
  double start_ = 0;
};

Crowd::Crowd(const Task& task, Epoll epoll) : task_(task), epoll_(std::move(epoll))
{
  tally_.microseconds.reserve(most_latencies);
}

Crowd::~Crowd() = default;

Status Crowd::begin(std::size_t clients)
{
  for (std::size_t i = 0; i < clients; ++i) {
    clients_.push_back(std::make_unique<Client>(*this));
    TRY(clients_.back()->begin());
  }
  return ok();
}

Status Crowd::run_once(int wait_ms)
{
  for (const epoll_event& event : epoll_.wait(wait_ms))
    TRY(static_cast<Client*>(event.data.ptr)->ready());
  return ok();
}

Status Crowd::run_until(std::int64_t monotonic_ms)
{
  constexpr std::int64_t longest_wait = 100;
  for (;;) {
    const std::int64_t left = monotonic_ms - sys::monotonic_ms();
    if (left <= 0) return ok();
    TRY(run_once(static_cast<int>(std::min(left, longest_wait))));
  }
}

} // namespace dstack::gateway_load
