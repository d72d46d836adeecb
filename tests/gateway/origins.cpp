// What stands behind the gateway under load, and what stands beside it.
//   gateway_origins plain ADDRESS      HTTP/1.1 with kept-alive connections ("GET /bytes/N": N zero
//                                      bytes, else "ok"), a responder (128 bytes for the first TLS
//                                      record of a connection, then 128 for each 100 bytes), and a
//                                      source (zero bytes without end after the first ones in)
//   gateway_origins floor CHAIN KEY    the same HTTP over TLS and nothing behind it: what one
//   thread
//                                      of OpenSSL and epoll costs at the least
// Listens on ports of its own, says them as one line of JSON and runs in one thread until killed.
#include "codec/json.hpp"
#include "crypto/openssl.hpp"
#include "tcp.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <optional>

namespace dstack::gateway_load {
namespace {

using codec::Json;

constexpr std::size_t chunk = std::size_t{256} << 10U;
const Bytes zeros(chunk, 0);
constexpr std::string_view ok_answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
constexpr std::size_t answer_size = 128;
constexpr std::size_t question_size = 100;
/// Whoever sends more than this without a whole request is cut off.
constexpr std::size_t max_head = 16 * 1024;

enum class Fate { lives, ends };

/// Whatever epoll reports on; edges, so each is used until it blocks.
class Peer {
public:
  explicit Peer(sys::Fd fd) : fd_(std::move(fd)) {}
  virtual ~Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual Fate ready() = 0;
  int fd() const { return fd_.get(); }

private:
  sys::Fd fd_;
};

std::array<std::uint8_t, 65536>& scratch()
{
  static std::array<std::uint8_t, 65536> bytes;
  return bytes;
}

class Plain : public Peer {
public:
  using Peer::Peer;
  Fate ready() final
  {
    for (;;) {
      if (send() == Fate::ends) return Fate::ends;
      const Moved in = receive_some(fd(), scratch());
      if (in.how == Io::blocked) return Fate::lives;
      if (in.how != Io::some) return Fate::ends;
      if (take(ByteView{scratch()}.first(in.bytes)) == Fate::ends) return Fate::ends;
    }
  }

protected:
  virtual Fate take(ByteView bytes) = 0;
  /// What take() found to be sent, as far as the peer takes it.
  virtual Fate send() { return send_waiting(); }
  void put(ByteView bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }
  Fate send_waiting()
  {
    while (!waiting_.empty()) {
      const Moved out = send_some(fd(), waiting_);
      if (out.how == Io::blocked) return Fate::lives;
      if (out.how != Io::some) return Fate::ends;
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(out.bytes));
    }
    return Fate::lives;
  }
  bool all_sent() const { return waiting_.empty(); }
  /// Zero bytes, until the peer takes no more; what is left is told.
  Fate send_zeros(std::uint64_t& left)
  {
    while (all_sent() && left > 0) {
      const Moved out =
          send_some(fd(), ByteView{zeros}.first(std::min<std::uint64_t>(left, chunk)));
      if (out.how == Io::blocked) return Fate::lives;
      if (out.how != Io::some) return Fate::ends;
      left -= out.bytes;
    }
    return Fate::lives;
  }

private:
  Bytes waiting_{};
};

/// The size that the first line of a request asks for; "ok" otherwise.
std::optional<std::uint64_t> wanted_bytes(std::string_view request)
{
  constexpr std::string_view prefix = "GET /bytes/";
  if (!request.starts_with(prefix)) return std::nullopt;
  std::uint64_t size = 0;
  for (const char c : request.substr(prefix.size())) {
    if (c < '0' || c > '9') break;
    size = size * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return size;
}

std::string bytes_head(std::uint64_t size)
{
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", size);
}

class HttpOrigin final : public Plain {
public:
  using Plain::Plain;

private:
  Fate take(ByteView bytes) override
  {
    in_.append(as_text(bytes));
    return in_.size() > max_head ? Fate::ends : Fate::lives;
  }
  Fate send() override
  {
    for (;;) {
      if (send_waiting() == Fate::ends || send_zeros(left_) == Fate::ends) return Fate::ends;
      if (!all_sent() || left_ > 0) return Fate::lives;
      const auto end = in_.find("\r\n\r\n");
      if (end == std::string::npos) return Fate::lives;
      if (const auto size = wanted_bytes(in_)) {
        put(as_bytes(bytes_head(*size)));
        left_ = *size;
      } else {
        put(as_bytes(ok_answer));
      }
      in_.erase(0, end + 4);
    }
  }

  std::string in_{};
  std::uint64_t left_ = 0;
};

class Responder final : public Plain {
public:
  using Plain::Plain;

private:
  Fate take(ByteView bytes) override
  {
    for (const std::uint8_t byte : bytes) {
      if (head_.size() < record_header) {
        head_.push_back(byte);
        if (head_.size() == record_header) missing_ = std::size_t{head_[3]} << 8U | head_[4];
      } else if (--missing_ == 0) {
        put(Bytes(answer_size, 'r'));
        missing_ = question_size;
      }
    }
    return Fate::lives;
  }

  static constexpr std::size_t record_header = 5;
  Bytes head_{}; ///< of the first record
  std::size_t missing_ = 0;
};

class Source final : public Plain {
public:
  using Plain::Plain;

private:
  Fate take(ByteView) override
  {
    left_ = ~std::uint64_t{0};
    return Fate::lives;
  }
  Fate send() override { return send_zeros(left_); }

  std::uint64_t left_ = 0;
};

using Context = std::unique_ptr<SSL_CTX, crypto::FreeWith<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, crypto::FreeWith<SSL_free>>;

class Floor final : public Peer {
public:
  Floor(sys::Fd fd, SSL_CTX* context) : Peer(std::move(fd)), ssl_(SSL_new(context))
  {
    SSL_set_fd(ssl_.get(), Peer::fd());
    SSL_set_accept_state(ssl_.get());
  }
  Fate ready() override
  {
    for (;;) {
      if (left_ > 0 && send_zeros() == Fate::ends) return Fate::ends;
      if (left_ > 0) return Fate::lives;
      const int n = SSL_read(ssl_.get(), scratch().data(), static_cast<int>(scratch().size()));
      if (n <= 0) return after(n);
      const std::string_view request =
          as_text(ByteView{scratch()}.first(static_cast<std::size_t>(n)));
      const auto size = wanted_bytes(request);
      const std::string answer = size ? bytes_head(*size) : std::string{ok_answer};
      const int out = SSL_write(ssl_.get(), answer.data(), static_cast<int>(answer.size()));
      if (out <= 0) return Fate::ends;
      left_ = size.value_or(0);
    }
  }

private:
  Fate send_zeros()
  {
    constexpr std::size_t record = std::size_t{16} << 10U;
    while (left_ > 0) {
      const int want = static_cast<int>(std::min<std::uint64_t>(left_, record));
      const int n = SSL_write(ssl_.get(), zeros.data(), want);
      if (n <= 0) return after(n);
      left_ -= static_cast<std::uint64_t>(n);
    }
    return Fate::lives;
  }
  Fate after(int result)
  {
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Fate::lives;
    ERR_clear_error();
    return Fate::ends;
  }

  Session ssl_;
  std::uint64_t left_ = 0;
};

using Make = std::function<std::unique_ptr<Peer>(sys::Fd)>;

class Listener final : public Peer {
public:
  Listener(sys::Fd fd, Epoll& epoll, Make make)
      : Peer(std::move(fd)), epoll_(epoll), make_(std::move(make))
  {
  }
  Fate ready() override
  {
    for (;;) {
      sys::Fd next = accept_next(fd());
      if (!next) return Fate::lives;
      auto peer = make_(std::move(next));
      if (epoll_.add(peer->fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, peer.get()))
        static_cast<void>(peer.release()); // epoll has it until it ends
    }
  }

private:
  Epoll& epoll_;
  Make make_;
};

class Service {
public:
  explicit Service(Epoll epoll) : epoll_(std::move(epoll)) {}

  Status listen(const std::string& name, const sockaddr_in& address, Make make)
  {
    sys::Fd fd = TRY(listen_at(address));
    where_.set(name, text_of(TRY(local_address(fd.get()))));
    listeners_.push_back(std::make_unique<Listener>(std::move(fd), epoll_, std::move(make)));
    return epoll_.add(listeners_.back()->fd(), EPOLLIN, listeners_.back().get());
  }

  [[noreturn]] void run()
  {
    std::printf("%s\n", codec::write_json(where_).c_str());
    std::fflush(stdout);
    for (;;)
      for (const epoll_event& event : epoll_.wait(-1)) {
        auto* peer = static_cast<Peer*>(event.data.ptr);
        if (peer->ready() == Fate::ends) std::unique_ptr<Peer>{peer}.reset();
      }
  }

private:
  Epoll epoll_;
  std::vector<std::unique_ptr<Listener>> listeners_{};
  Json where_ = Json::object();
};

template <class T> std::unique_ptr<Peer> make_peer(sys::Fd fd)
{
  return std::make_unique<T>(std::move(fd));
}

Status serve_plain(const std::string& address)
{
  Service service{TRY(Epoll::create())};
  const sockaddr_in any = TRY(tcp_address(address + ":0"));
  TRY(service.listen("http", any, make_peer<HttpOrigin>));
  TRY(service.listen("responder", any, make_peer<Responder>));
  TRY(service.listen("source", any, make_peer<Source>));
  service.run();
}

/// As the proxies beside it are set up: nothing is resumed.
Result<Context> floor_context(const std::string& chain, const std::string& key)
{
  Context out{SSL_CTX_new(TLS_server_method())};
  if (!out || SSL_CTX_use_certificate_chain_file(out.get(), chain.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(out.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    return crypto::openssl_error(Errc::config, fmt::format("use {} and {}", chain, key));
  SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(out.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(out.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(out.get(), 0);
  SSL_CTX_set_mode(out.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return out;
}

Status serve_floor(const std::string& chain, const std::string& key)
{
  const Context context = TRY(floor_context(chain, key));
  Service service{TRY(Epoll::create())};
  const Make make = [&context](sys::Fd fd) -> std::unique_ptr<Peer> {
    return std::make_unique<Floor>(std::move(fd), context.get());
  };
  TRY(service.listen("tls", TRY(tcp_address("127.0.0.1:0")), make));
  service.run();
}

Status run(const std::vector<std::string>& words)
{
  if (words.size() == 3 && words[1] == "plain") return serve_plain(words[2]);
  if (words.size() == 4 && words[1] == "floor") return serve_floor(words[2], words[3]);
  return fail(Errc::usage, "plain ADDRESS, or floor CHAIN KEY");
}

} // namespace
} // namespace dstack::gateway_load

int main(int argc, char** argv)
{
  std::signal(SIGPIPE, SIG_IGN);
  const auto done = dstack::gateway_load::run({argv, argv + argc});
  if (!done) std::fprintf(stderr, "gateway_origins: %s\n", done.error().message().c_str());
  return 1;
}
