#include "store/vm_store.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::store {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_spec_bytes = std::size_t{1} << 20U;
constexpr std::size_t max_state_bytes = std::size_t{4} << 20U;
constexpr std::size_t least_app_prefix = 4;
constexpr std::string_view new_prefix = ".new-";
/// Held while a directory is filled, so that a sweep tells work from what a crash left behind.
constexpr std::string_view creating_lock = "creating.lock";
constexpr std::string_view removed_prefix = ".removed-";
constexpr std::chrono::milliseconds store_lock_wait{10'000};

Status write_document(const fs::path& path, const codec::Json& json)
{
  const std::string text = codec::write_json(json, {.indent = 2}) + "\n";
  return sys::write_file_atomic(path, as_bytes(text), sys::Privacy::owner_only);
}

VmRecord read_record(const fs::path& directory)
{
  VmRecord record;
  record.directory = directory;
  record.spec.id = directory.filename();
  record.supervised = sys::FileLock::is_held(record.paths().supervisor_lock());
  auto spec = read_spec(directory);
  if (spec && spec->id != directory.filename())
    spec = fail(Errc::malformed, "vm.json: it is about VM {}", spec->id);
  if (spec)
    record.spec = std::move(*spec);
  else
    record.problem = spec.error().message();
  auto state = read_state(directory);
  if (state)
    record.state = std::move(*state);
  else if (record.problem.empty())
    record.problem = state.error().message();
  return record;
}

/// Entries of the store's directory whose name passes the test; none when there is no directory.
template <class Test> Result<std::vector<fs::path>> entries(const fs::path& directory, Test wanted)
{
  std::vector<fs::path> found;
  std::error_code error;
  fs::directory_iterator at{directory, error};
  for (; !error && at != fs::directory_iterator{}; at.increment(error))
    if (wanted(at->path().filename().string())) found.push_back(at->path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::io, "list {}: {}", directory.string(), error.message());
  std::sort(found.begin(), found.end());
  return found;
}

Error no_such_vm(std::string_view word, const std::vector<VmRecord>& all)
{
  std::vector<std::string> names;
  for (const auto& vm : all)
    if (!vm.spec.name.empty()) names.push_back(vm.spec.name);
  const auto near = nearest(word, names);
  if (near) return fail(Errc::not_found, "no VM '{}' (did you mean '{}'?)", printable(word), *near);
  return fail(Errc::not_found, "no VM '{}'", printable(word));
}

/// The one record that passes, nullptr when none does, an error when several do.
template <class Test>
Result<const VmRecord*>
unique(const std::vector<VmRecord>& all, std::string_view word, Test matches)
{
  std::vector<std::string> found;
  const VmRecord* only = nullptr;
  for (const auto& vm : all) {
    if (!matches(vm)) continue;
    only = &vm;
    found.push_back(fmt::format("{} ({})", vm.spec.name, vm.spec.id));
  }
  if (found.size() > 1)
    return fail(Errc::usage, "'{}' is not unique: {}", printable(word), join(found, ", "));
  return only;
}

bool has_prefix(std::string_view text, std::string_view prefix)
{
  return !prefix.empty() && text.starts_with(prefix);
}

} // namespace

Result<VmSpec> read_spec(const fs::path& directory)
{
  const std::string text =
      TRY(sys::read_text(VmPaths{directory}.spec(), max_spec_bytes).within("vm.json"));
  return spec_from_json(TRY(codec::parse_json(text).within("vm.json"))).within("vm.json");
}

Result<VmState> read_state(const fs::path& directory)
{
  const auto text = sys::read_text(VmPaths{directory}.state(), max_state_bytes);
  if (!text && text.error().code() == Errc::not_found) return VmState{};
  TRY(Status{text ? Status{ok()} : Status{text.error()}}.within("state.json"));
  return state_from_json(TRY(codec::parse_json(*text).within("state.json"))).within("state.json");
}

Status write_spec(const fs::path& directory, const VmSpec& spec)
{
  return write_document(VmPaths{directory}.spec(), to_json(spec));
}

Status write_state(const fs::path& directory, const VmState& state)
{
  return write_document(VmPaths{directory}.state(), to_json(state));
}

bool is_alive(const VmRecord& vm)
{
  return vm.supervised;
}

std::string shown_status(const VmRecord& vm)
{
  if (vm.spec.name.empty()) return "damaged";
  const VmStatus status = vm.state.status;
  const bool claims_life = status == VmStatus::starting || status == VmStatus::booting ||
                           status == VmStatus::running || status == VmStatus::stopping;
  if (claims_life && !vm.supervised) return "stopped (supervisor died)";
  if (!claims_life && vm.supervised) return "starting"; // it has not written its first state yet
  return std::string{name_of(status)};
}

Result<std::vector<VmRecord>> VmStore::list() const
{
  std::vector<VmRecord> all;
  for (const fs::path& path : TRY(entries(directory_, is_vm_id)))
    all.push_back(read_record(path));
  std::stable_sort(all.begin(), all.end(), [](const VmRecord& a, const VmRecord& b) {
    return a.spec.created_at < b.spec.created_at;
  });
  return all;
}

Result<VmRecord> VmStore::get(std::string_view id) const
{
  const fs::path path = directory_ / std::string{id};
  std::error_code error;
  if (!is_vm_id(id) || !fs::is_directory(path, error))
    return fail(Errc::not_found, "no VM '{}'", printable(id));
  return read_record(path);
}

Result<VmRecord> VmStore::find(std::string_view word) const
{
  const std::vector<VmRecord> all = TRY(list());
  const auto by_name = [&](const VmRecord& vm) { return vm.spec.name == word; };
  const auto by_id = [&](const VmRecord& vm) { return has_prefix(vm.spec.id, word); };
  const auto by_app = [&](const VmRecord& vm) {
    return word.size() >= least_app_prefix && has_prefix(vm.spec.app.app_id, word);
  };
  const VmRecord* found = TRY(unique(all, word, by_name));
  if (found == nullptr) found = TRY(unique(all, word, by_id));
  if (found == nullptr) found = TRY(unique(all, word, by_app));
  if (found == nullptr) return no_such_vm(word, all);
  return *found;
}

Result<VmRecord> VmStore::create(const VmSpec& spec,
                                 const std::function<Status(const fs::path&)>& fill) const
{
  DSTACK_ASSERT(is_vm_id(spec.id));
  TRY(check_vm_name(spec.name));
  TRY(sys::make_directories(directory_, sys::Privacy::owner_only));
  const fs::path fresh = directory_ / fmt::format("{}{}", new_prefix, spec.id);
  const auto build = [&]() -> Status {
    TRY(sys::make_directories(fresh / "share", sys::Privacy::owner_only));
    const auto mine = TRY(sys::FileLock::acquire(fresh / creating_lock, "creating the VM",
                                                 std::chrono::milliseconds{0}));
    TRY(write_spec(fresh, spec));
    TRY(fill(fresh));
    const auto lock =
        TRY(sys::FileLock::acquire(directory_ / ".lock", "creating a VM", store_lock_wait));
    for (const VmRecord& vm : TRY(list()))
      if (vm.spec.name == spec.name)
        return fail(Errc::usage, "a VM named '{}' exists already ({})", spec.name, vm.spec.id);
    std::error_code ignored;
    fs::remove(fresh / creating_lock, ignored);
    return sys::rename_path(fresh, directory_ / spec.id);
  };
  const Status built = build();
  if (!built) {
    static_cast<void>(sys::remove_tree(fresh));
    return built.error();
  }
  return get(spec.id);
}

Status VmStore::remove(const VmRecord& vm) const
{
  DSTACK_ASSERT(is_vm_id(vm.spec.id));
  // Holding the supervisor's lock keeps anyone from starting the VM while it goes.
  const auto lock = sys::FileLock::acquire(vm.paths().supervisor_lock(), "removing the VM",
                                           std::chrono::milliseconds{500});
  if (!lock && lock.error().code() == Errc::timeout)
    return fail(Errc::denied, "VM {} is running: stop it first", vm.spec.id);
  if (!lock) return lock.error();
  const fs::path away = directory_ / fmt::format("{}{}", removed_prefix, vm.spec.id);
  TRY(sys::rename_path(vm.directory, away));
  return sys::remove_tree(away);
}

Status VmStore::sweep() const
{
  const auto lock = sys::FileLock::acquire(directory_ / ".lock", "sweeping", store_lock_wait);
  if (!lock) return lock.error().code() == Errc::not_found ? Status{ok()} : Status{lock.error()};
  const auto left = [](const std::string& name) {
    return name.starts_with(removed_prefix) || name.starts_with(new_prefix);
  };
  for (const fs::path& path : TRY(entries(directory_, left))) {
    if (path.filename().string().starts_with(new_prefix) &&
        sys::FileLock::is_held(path / creating_lock))
      continue;
    TRY(sys::remove_tree(path));
  }
  return ok();
}

Result<sys::FileLock>
VmStore::lock(const VmRecord& vm, std::string_view what, std::chrono::milliseconds wait) const
{
  return sys::FileLock::acquire(vm.paths().operation_lock(), what, wait)
      .within("VM {}", vm.spec.name.empty() ? vm.spec.id : vm.spec.name);
}

std::string vm_id_from(const std::array<std::uint8_t, 6>& random)
{
  return hex(random);
}

} // namespace dstack::store
