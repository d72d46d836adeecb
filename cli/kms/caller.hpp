#pragma once
/// Somebody who might ask a KMS for keys: a BootInfo in a file, or evidence that is verified.

#include "cli/verify/session.hpp"
#include "kms/policy.hpp"

namespace dstack::cli {

struct CallerOptions {
  std::string boot_info;
  std::string attestation;
  std::string at;
  TrustOptions trust;
};

/// --boot-info, --attestation, --at and where collateral comes from.
void add_caller_options(Leaf& leaf, CallerOptions& options);

/// As the options name it: exactly one of both. Evidence that is not proven is an error:
/// Errc::untrusted, Errc::malformed, or Errc::io when it could not be judged. Simulated evidence of
/// this machine counts here and is marked: what it is good for, the policy says.
Result<kms::BootInfo>
read_caller(const CallerOptions& options, const kms::Policy& policy, Context& ctx);

/// Who it is, a line each.
std::vector<std::pair<std::string, std::string>> caller_facts(const kms::BootInfo& info);

} // namespace dstack::cli
