#pragma once
/// `dstack kms join`: this directory becomes a replica of another KMS.

#include "agents/kms/foundation.hpp"

namespace dstack::kmsnode {

/// Errors leave no root. crash_at: see vault::crash_at; empty for none.
Status join(Foundation& on, const std::string& url, const std::string& crash_at);

} // namespace dstack::kmsnode
