#pragma once
/// What the world meets: the data plane, fed with what this node knows. Lives on the loop's thread;
/// what the plane's workers ask comes over to it.

#include "agents/gateway/local_vms.hpp"
#include "gateway/view.hpp"
#include "proxy/plane.hpp"
#include "sys/workers.hpp"

#include <mutex>
#include <set>

namespace dstack::gatewaynode {

inline constexpr const char* pages_socket_name = "pages.sock"; ///< below the directory

/// From which a world is made.
struct FrontInput {
  std::vector<std::string> domains{};
  std::vector<route::RegistryEntry> entries{};
  /// Without WireGuard: ports of the VMs of this machine, by instance id; other VMs are not
  /// reached.
  const std::map<std::string, Forwards>* forwards = nullptr;
  std::vector<proxy::DomainCertificate> certificates{};
  std::vector<proxy::AlpnChallenge> challenges{};
  std::string pages_socket{};
};

class Front {
public:
  struct Hooks {
    /// Of an instance whose port policy is not known; on the loop's thread.
    std::function<void(const std::string&)> policy_wanted{};
    /// On a worker of the plane; answered once, from any thread.
    std::function<void(const std::string& host, proxy::Outside::Answer)> custom_target{};
  };
  /// Listens at once.
  static Result<std::unique_ptr<Front>>
  create(const gateway::ProxySettings& settings, sys::WorkerPool& workers, Hooks hooks);

  /// What counts from now on. An error leaves the world as it was.
  Status publish(FrontInput input);
  /// Facts of one instance, for the worlds that are and come.
  void note(const std::string& instance, std::int64_t handshake_ms, bool drained);
  /// What the plane counts, for views.
  void add_to(gateway::View& view) const;
  void drain() { plane_->drain(); }
  Result<bool> kernel_tls() const { return plane_->kernel_tls(); } ///< as proxy::Plane has it
  std::uint64_t live() const { return plane_->live(); }

private:
  explicit Front(sys::WorkerPool& workers, Hooks hooks)
      : workers_(workers), hooks_(std::move(hooks))
  {
  }
  std::shared_ptr<proxy::Backend> backend_of(const std::string& instance);
  void want_policy(const std::string& instance);

  sys::WorkerPool& workers_;
  Hooks hooks_;
  std::map<std::string, std::shared_ptr<proxy::Backend>> backends_{};
  std::mutex mutex_;
  std::set<std::string> wanted_{};      ///< policies that the loop has not heard of yet
  std::unique_ptr<proxy::Plane> plane_; ///< last: its workers use all of the above
};

} // namespace dstack::gatewaynode
