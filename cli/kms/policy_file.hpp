#pragma once
/// The policy file of a KMS, read and edited on disk.

#include "cli/context.hpp"
#include "kms/policy_edit.hpp"
#include "kms/policy_review.hpp"

namespace dstack::cli {

Result<kms::Policy> load_kms_policy(const std::string& file);

using PolicyEditing =
    std::function<Result<kms::Edited>(std::string_view text, std::string_view name)>;
enum class EditMode { write, only_say };

/// Reads, edits and replaces the file in one step, under a lock: two commands at once both have
/// their say. Who may read it stays. What changed; empty when everything was there already.
Result<std::vector<kms::PolicyChange>>
edit_kms_policy(const std::string& file, const PolicyEditing& editing, EditMode mode);

/// One line a change, with what it does; or the document of that schema.
void show_changes(Context& ctx,
                  std::string_view schema,
                  const std::string& file,
                  const std::vector<kms::PolicyChange>& changes);
/// The same for a command that edits: says when nothing had to be done, or when nothing was.
void show_edit(Context& ctx,
               const std::string& file,
               const std::vector<kms::PolicyChange>& changes,
               EditMode mode);

/// Schema of the document show_edit prints.
inline constexpr const char* policy_edit_schema = "dstack.kms.policy.edit/1";

} // namespace dstack::cli
