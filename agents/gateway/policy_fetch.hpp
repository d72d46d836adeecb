#pragma once
/// Port policies of VMs that did not report one, asked from their guest agents (spec gateway 10).

#include "agents/launch/log.hpp"
#include "route/registry.hpp"
#include "sys/workers.hpp"

#include <set>

namespace dstack::gatewaynode {

class PolicyFetch {
public:
  struct Hooks {
    /// What is known of an instance; nullptr: it is gone.
    std::function<const route::RegistryEntry*(const std::string&)> find{};
    /// Where its guest agent listens; nothing: it is not reached.
    std::function<std::optional<route::Endpoint>(const route::RegistryEntry&)> agent{};
    std::function<void(const route::RegistryEntry&, const route::PortPolicy&)> fetched{};
  };
  PolicyFetch(sys::Loop& loop, sys::WorkerPool& workers, launch::Log& log, Hooks hooks)
      : loop_(loop), workers_(workers), log_(log), hooks_(std::move(hooks))
  {
  }
  /// Asks, several times when need be, unless that is under way.
  void want(const std::string& instance);

private:
  void ask(const std::string& instance, unsigned tries);
  void answered(const route::RegistryEntry& entry,
                const Result<route::PortPolicy>& policy,
                unsigned tries);
  void again(const std::string& instance, unsigned tries, const Error& why);

  sys::Loop& loop_;
  sys::WorkerPool& workers_;
  launch::Log& log_;
  Hooks hooks_;
  std::set<std::string> under_way_{};
};

} // namespace dstack::gatewaynode
