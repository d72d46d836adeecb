#include "kmsapi/metrics.hpp"

#include <fmt/format.h>

namespace dstack::kmsapi {

namespace {

void head(std::string& out, std::string_view name, std::string_view kind, std::string_view help)
{
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
}

void counter(std::string& out, std::string_view name, std::string_view help, std::uint64_t value)
{
  head(out, name, "counter", help);
  out += fmt::format("{} {}\n", name, value);
}

template <class Number>
void gauge(std::string& out, std::string_view name, std::string_view help, Number value)
{
  head(out, name, "gauge", help);
  out += fmt::format("{} {}\n", name, value);
}

} // namespace

void Metrics::took(double seconds)
{
  std::size_t at = 0;
  while (at < bounds_seconds.size() && seconds > bounds_seconds[at])
    ++at;
  ++buckets_[at];
  constexpr double million = 1e6;
  microseconds_ += static_cast<std::uint64_t>(seconds * million);
}

std::string Metrics::text(const Now& now) const
{
  std::string out;
  const Counters& c = counters;
  counter(out, "dstack_kms_attestation_requests_total",
          "Requests to GetAppKey, GetKmsKey and SignCert.", c.attestation_requests);
  counter(out, "dstack_kms_attestation_failures_total",
          "Those of them that were answered with an error.", c.attestation_failures);
  counter(out, "dstack_kms_evidence_refused_total", "Attestations that did not hold.",
          c.evidence_refused);
  head(out, "dstack_kms_policy_decisions_total", "counter", "What policy and webhook said.");
  out += fmt::format("dstack_kms_policy_decisions_total{{decision=\"allowed\"}} {}\n",
                     c.policy_allowed.load());
  out += fmt::format("dstack_kms_policy_decisions_total{{decision=\"denied\"}} {}\n",
                     c.policy_denied.load());
  out += fmt::format("dstack_kms_policy_decisions_total{{decision=\"unanswered\"}} {}\n",
                     c.policy_unanswered.load());
  counter(out, "dstack_kms_rate_limited_total",
          "Requests refused because one address asked too often.", c.rate_limited);
  counter(out, "dstack_kms_busy_total", "Requests refused because too many were waiting.", c.busy);
  counter(out, "dstack_kms_audit_left_out_total",
          "Refused attestations that the audit log only counts.", now.audit_left_out);
  counter(out, "dstack_kms_policy_reloads_total", "Times the policy file was read anew.",
          c.policy_reloads);
  counter(out, "dstack_kms_policy_reload_failures_total",
          "Times it could not be used and the old one stayed.", c.policy_reload_failures);
  constexpr std::string_view latency = "dstack_kms_request_seconds";
  head(out, latency, "histogram", "From a complete request to its answer.");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    sum += buckets_[i];
    const std::string bound =
        i < bounds_seconds.size() ? fmt::format("{}", bounds_seconds[i]) : "+Inf";
    out += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", latency, bound, sum);
  }
  constexpr double million = 1e6;
  out += fmt::format("{}_sum {:.6f}\n{}_count {}\n", latency,
                     static_cast<double>(microseconds_.load()) / million, latency, sum);
  gauge(out, "dstack_kms_waiting_requests", "Requests that wait for a worker or are with one.",
        now.waiting);
  gauge(out, "dstack_kms_sealed", "1 while the root is not open.", now.sealed ? 1 : 0);
  gauge(out, "dstack_kms_current_epoch", "Epoch of new keys.", now.epoch);
  gauge(out, "dstack_kms_self_attested_timestamp_seconds",
        "When the KMS last verified its own evidence.", now.self_attested_at);
  return out;
}

} // namespace dstack::kmsapi
