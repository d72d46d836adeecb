#pragma once
/// policy.toml, read anew when it changes. One that cannot be used changes nothing: the rules in
/// force stay, and the log says why.

#include "kms/policy.hpp"
#include "sys/files.hpp"

namespace dstack::kmsnode {

struct LoadedPolicy {
  std::shared_ptr<const kms::Policy> policy{};
  std::string digest{}; ///< SHA-256 of the file, hex
};

Result<LoadedPolicy> load_policy(const sys::fs::path& file);

} // namespace dstack::kmsnode
