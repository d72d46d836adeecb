#pragma once
/// What an update would change in a VM's app: shared by update and diff.

#include "cli/deploy/app.hpp"
#include "compose/diff.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

struct Change {
  App before;
  App after;
  compose::AppDiff diff;
  bool same_bytes() const { return before.bytes == after.bytes; }
};

/// The measured app of a VM as it is.
Result<App> current_app(const store::VmRecord& vm);
/// Reads the new app under the old app's name and compares.
Result<Change> plan_change(Context& ctx,
                           const store::VmRecord& vm,
                           const AppOptions& options,
                           const fetch::RegistryOptions& registry,
                           Stages& stages);
/// A unified-diff-like text of what changes in code and in measurements.
std::string change_text(const Console& console, const store::VmRecord& vm, const Change& change);
codec::Json change_json(const store::VmRecord& vm, const Change& change);

} // namespace dstack::cli
