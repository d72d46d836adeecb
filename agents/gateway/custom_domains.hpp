#pragma once
/// Custom domains by their TXT records (spec gateway 9.5): cached, each name asked for once at a
/// time, so many names at once and no more.

#include "agents/launch/log.hpp"
#include "gateway/name_cache.hpp"
#include "gateway/settings.hpp"
#include "sys/workers.hpp"

#include <atomic>
#include <map>
#include <mutex>

namespace dstack::gatewaynode {

class CustomDomains {
public:
  using Answer = std::function<void(Result<route::CustomTarget>)>;

  static Result<std::unique_ptr<CustomDomains>> create(sys::Loop& loop,
                                                       const gateway::ProxySettings& settings);
  ~CustomDomains();
  CustomDomains(const CustomDomains&) = delete;
  CustomDomains& operator=(const CustomDomains&) = delete;

  /// From any thread; answered once, perhaps at once.
  void look_up(const std::string& host, Answer answer);
  std::uint64_t asked() const { return asked_; }

private:
  struct Found {
    gateway::NameCache::Answer answer = Error{Errc::internal, "not asked"};
    std::int64_t ttl_ms = 0;
  };
  explicit CustomDomains(const gateway::ProxySettings& settings) : settings_(settings) {}
  Found resolve(const std::string& host) const;
  void found(const std::string& host, const Found& what);

  gateway::ProxySettings settings_;
  std::mutex mutex_;
  gateway::NameCache cache_{};
  std::map<std::string, std::vector<Answer>> waiting_{};
  std::atomic<std::uint64_t> asked_{0};
  std::unique_ptr<sys::WorkerPool> pool_; ///< last: its work uses all of the above
};

} // namespace dstack::gatewaynode
