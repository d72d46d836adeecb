#pragma once
/// Clients of a gateway, many in one thread: each does its task over and over.

#include "crypto/openssl.hpp"
#include "tcp.hpp"

#include <memory>
#include <openssl/ssl.h>

namespace dstack::gateway_load {

using Context = std::unique_ptr<SSL_CTX, crypto::FreeWith<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, crypto::FreeWith<SSL_free>>;

/// What is spoken to the gateway: TLS that ends there, or a ClientHello and then plain bytes to an
/// origin that takes them.
enum class Via { tls, passed_through };
enum class Kind {
  connect,         ///< and no more
  connect_and_ask, ///< one question on each connection
  ask,             ///< many on the same
  bulk,            ///< bytes without end
  rest             ///< after one question
};

struct Task {
  Via via = Via::tls;
  Kind kind = Kind::connect;
  sockaddr_in to{};
  std::string name{};             ///< host that is asked for
  std::shared_ptr<SSL_CTX> tls{}; ///< see prepare()
  Bytes hello{};                  ///< a ClientHello with the name
};
/// Fills in the TLS settings (1.3, X25519, AES-128-GCM, as for every proxy that is compared) and
/// the ClientHello. Nobody is verified: only speed counts here.
Status prepare(Task& task);
/// A client's TLS session that asks for the task's name, not yet on a connection.
Session new_session(const Task& task);

/// What came of it so far.
struct Tally {
  std::uint64_t done = 0;
  std::uint64_t bytes = 0;
  std::uint64_t errors = 0;
  std::string first_error{};
  std::vector<float> microseconds{}; ///< of the first operations, enough for percentiles
};

class Client;

class Crowd {
public:
  Crowd(const Task& task, Epoll epoll);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  Status begin(std::size_t clients);
  Status run_until(std::int64_t monotonic_ms);
  Status run_once(int wait_ms);
  Tally& tally() { return tally_; }
  std::size_t size() const { return clients_.size(); }
  std::size_t resting() const { return resting_; }

private:
  friend class Client;
  Task task_;
  Epoll epoll_;
  Tally tally_{};
  std::size_t resting_ = 0;
  std::vector<std::unique_ptr<Client>> clients_{};
};

} // namespace dstack::gateway_load
