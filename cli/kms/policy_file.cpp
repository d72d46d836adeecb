#include "cli/kms/policy_file.hpp"

namespace dstack::cli {

namespace {

namespace fs = sys::fs;

constexpr std::chrono::milliseconds lock_wait{10'000};

std::string short_name(const fs::path& file)
{
  return file.filename().string();
}

Result<sys::Privacy> privacy_of(const fs::path& file)
{
  std::error_code error;
  const fs::perms mode = fs::status(file, error).permissions();
  if (error) return fail(Errc::io, "{}: {}", file.string(), error.message());
  const fs::perms others = fs::perms::group_read | fs::perms::others_read;
  return (mode & others) == fs::perms::none ? sys::Privacy::owner_only : sys::Privacy::shared;
}

Tone tone_of(kms::Effect effect)
{
  switch (effect) {
  case kms::Effect::wider:
    return Tone::warn;
  case kms::Effect::tighter:
    return Tone::good;
  case kms::Effect::other:
    return Tone::plain;
  }
  return Tone::plain;
}

} // namespace

Result<kms::Policy> load_kms_policy(const std::string& file)
{
  const std::string text = TRY(sys::read_text(file, kms::max_policy));
  return kms::policy_from_toml(text, short_name(file));
}

Result<std::vector<kms::PolicyChange>>
edit_kms_policy(const std::string& file, const PolicyEditing& editing, EditMode mode)
{
  // A link stays one: what it points to is replaced.
  std::error_code error;
  const fs::path path = fs::canonical(file, error);
  if (error) return fail(Errc::not_found, "open {}: {}", file, error.message());
  const fs::path lock_file = path.parent_path() / fmt::format(".{}.lock", short_name(path));
  const auto lock = TRY(sys::FileLock::acquire(lock_file, "edits the policy", lock_wait));
  const std::string text = TRY(sys::read_text(path, kms::max_policy));
  const std::string name = short_name(file);
  const kms::Edited edited = TRY(editing(text, name));
  auto changes = kms::changes_between(TRY(kms::policy_from_toml(text, name)),
                                      TRY(kms::policy_from_toml(edited.text, name)));
  if (edited.changed && mode == EditMode::write)
    TRY(sys::write_file_atomic(path, as_bytes(edited.text), TRY(privacy_of(path))));
  return changes;
}

void show_changes(Context& ctx,
                  std::string_view schema,
                  const std::string& file,
                  const std::vector<kms::PolicyChange>& changes)
{
  if (ctx.ui().json()) {
    codec::Json all = codec::Json::array();
    for (const kms::PolicyChange& change : changes)
      all.push(kms::to_json(change));
    ctx.ui().document(codec::Json::object()
                          .set("schema", schema)
                          .set("file", file)
                          .set("changes", std::move(all)));
    return;
  }
  for (const kms::PolicyChange& change : changes)
    ctx.ui().line(
        ctx.ui().paint_out(tone_of(change.effect), fmt::format("{:<8} {}", name_of(change.effect),
                                                               printable(kms::to_line(change)))));
}

void show_edit(Context& ctx,
               const std::string& file,
               const std::vector<kms::PolicyChange>& changes,
               EditMode mode)
{
  show_changes(ctx, policy_edit_schema, file, changes);
  if (changes.empty())
    ctx.ui().note(fmt::format("{}: everything is there already", file));
  else if (mode == EditMode::only_say)
    ctx.ui().note(fmt::format("{}: nothing was changed", file));
}

} // namespace dstack::cli
