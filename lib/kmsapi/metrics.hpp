#pragma once
/// What GET /metrics tells (spec kms 17, and ours): numbers only, about nobody in particular.

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace dstack::kmsapi {

/// Counted from any thread.
class Metrics {
public:
  static constexpr std::array<double, 10> bounds_seconds{0.001, 0.0025, 0.005, 0.01, 0.025,
                                                         0.05,  0.1,    0.5,   1.0,  5.0};

  struct Counters {
    std::atomic<std::uint64_t> attestation_requests{}; ///< GetAppKey, GetKmsKey, SignCert
    std::atomic<std::uint64_t> attestation_failures{}; ///< of these, answered with an error
    std::atomic<std::uint64_t> evidence_refused{};
    std::atomic<std::uint64_t> policy_allowed{};
    std::atomic<std::uint64_t> policy_denied{};
    std::atomic<std::uint64_t> policy_unanswered{}; ///< webhook or node down, slow or garbage
    std::atomic<std::uint64_t> rate_limited{};
    std::atomic<std::uint64_t> busy{}; ///< refused because the queue was full
    std::atomic<std::uint64_t> policy_reloads{};
    std::atomic<std::uint64_t> policy_reload_failures{};
  };
  Counters counters{};

  /// From the moment a request was complete to its answer.
  void took(double seconds);

  /// What only the moment tells.
  struct Now {
    bool sealed = false;
    std::uint64_t waiting = 0; ///< requests in the queue or with a worker
    std::uint64_t epoch = 0;
    std::int64_t self_attested_at = 0; ///< Unix seconds; 0: never
    std::uint64_t audit_left_out = 0;  ///< refusals beyond what the audit log takes
  };
  /// Prometheus text format 0.0.4.
  std::string text(const Now& now) const;

private:
  std::array<std::atomic<std::uint64_t>, bounds_seconds.size() + 1> buckets_{};
  std::atomic<std::uint64_t> microseconds_{};
};

} // namespace dstack::kmsapi
