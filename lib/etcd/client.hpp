#pragma once
/// A client of etcd: several members, the next one asked when one does not answer or has no
/// majority behind it.

#include "base/secret.hpp"
#include "etcd/messages.hpp"
#include "fetch/http_client.hpp"

#include <atomic>
#include <mutex>

namespace dstack::etcd {

struct ClientSettings {
  std::vector<std::string> endpoints{}; ///< "http://127.0.0.1:2379"
  std::string ca_file{};                ///< PEM; trusted instead of the system's roots
  std::string certificate_file{};       ///< PEM, ours, with its key
  std::string key_file{};
  std::string user{}; ///< with a password; empty: none
  SecretBytes password{};
  std::chrono::milliseconds timeout{2000}; ///< of one member
};

/// Everything blocks; any thread. Answers to what is read and committed are those of the majority
/// (linearizable), unless they say otherwise. Errc::io, Errc::timeout: no member could do it, and
/// a transaction may nevertheless have been done.
class Client {
public:
  explicit Client(ClientSettings settings) : settings_(std::move(settings)) {}

  Result<Found> range(const Range& what);
  Result<Outcome> commit(const Transaction& what);
  Result<Lease> grant(std::int64_t seconds);
  /// With seconds 0 when it is over.
  Result<Lease> keep_alive(std::int64_t lease);
  Status revoke(std::int64_t lease);
  /// The next events of keys from that revision on; none when patience is over, or after stop().
  Result<Notice> watch(const std::string& prefix,
                       std::int64_t from,
                       std::chrono::milliseconds patience);
  /// Ends watches, those to come too.
  void stop() { stopped_ = true; }
  /// The member that answered last.
  std::string member() const { return settings_.endpoints.at(preferred_); }

private:
  Result<std::string> ask(std::string_view path, const std::string& body);
  Result<std::string> ask_member(std::size_t index, std::string_view path, const std::string& body);
  Result<fetch::ClientRequest>
  request_to(std::size_t index, std::string_view path, const std::string& body);
  Result<std::string> token(std::size_t index);
  void forget_token();

  ClientSettings settings_;
  fetch::HttpClient http_{};
  std::atomic<std::size_t> preferred_ = 0;
  std::atomic<std::size_t> watched_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::string token_{}; ///< secret
};

} // namespace dstack::etcd
