#pragma once
/// The directory of VMs, $XDG_STATE_HOME/dstack/vms/<id>/: list, find, create, remove. Creation
/// and removal are atomic: a VM is there completely or not at all.

#include "store/vm_spec.hpp"
#include "sys/files.hpp"

namespace dstack::store {

/// Names of the files in a VM's directory.
struct VmPaths {
  explicit VmPaths(std::filesystem::path vm_directory) : directory(std::move(vm_directory)) {}
  std::filesystem::path directory;
  std::filesystem::path spec() const { return directory / "vm.json"; }
  std::filesystem::path state() const { return directory / "state.json"; }
  std::filesystem::path share() const { return directory / "share"; }
  std::filesystem::path share_disk() const { return directory / "share.img"; }
  std::filesystem::path data_disk() const { return directory / "data.img"; }
  std::filesystem::path console_log() const { return directory / "console.log"; }
  std::filesystem::path qemu_log() const { return directory / "qemu.log"; }
  std::filesystem::path supervisor_log() const { return directory / "supervisor.log"; }
  std::filesystem::path events() const { return directory / "events.jsonl"; }
  std::filesystem::path tee() const { return directory / "tee.json"; }
  std::filesystem::path control_socket() const { return directory / "control.sock"; }
  std::filesystem::path qmp_socket() const { return directory / "qmp.sock"; }
  std::filesystem::path channel_socket() const { return directory / "channel.sock"; }
  std::filesystem::path supervisor_lock() const { return directory / "supervisor.lock"; }
  std::filesystem::path operation_lock() const { return directory / "op.lock"; }
};

/// A VM as found on disk. A damaged vm.json or state.json does not hide the VM: problem says what
/// is wrong, the damaged part has its defaults (and always the id).
struct VmRecord {
  VmSpec spec{};
  VmState state{};
  std::filesystem::path directory{};
  bool supervised = false; ///< somebody holds supervisor.lock now
  std::string problem{};
  VmPaths paths() const { return VmPaths{directory}; }
};

/// The status to show: what state.json says, corrected by who is alive. "stopped (supervisor
/// died)" when the state claims life and nobody holds the lock, "damaged" for an unreadable spec.
std::string shown_status(const VmRecord& vm);
/// True when a supervisor runs the VM now.
bool is_alive(const VmRecord& vm);

Result<VmSpec> read_spec(const std::filesystem::path& directory);
Result<VmState> read_state(const std::filesystem::path& directory);
Status write_spec(const std::filesystem::path& directory, const VmSpec& spec);
Status write_state(const std::filesystem::path& directory, const VmState& state);

class VmStore {
public:
  /// directory: …/dstack/vms; need not exist yet.
  explicit VmStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  const std::filesystem::path& directory() const { return directory_; }
  /// All VMs, oldest first.
  Result<std::vector<VmRecord>> list() const;
  /// By name, else by unique prefix of the id, else by unique prefix (4 digits or more) of the app
  /// id. Errc::not_found suggests the nearest name; an ambiguous prefix is Errc::usage.
  Result<VmRecord> find(std::string_view word) const;
  Result<VmRecord> get(std::string_view id) const;

  /// Makes the VM's directory: spec.id and spec.created_at must be set, the name must be free
  /// (Errc::usage otherwise). fill adds share/ and other files to the given temporary directory
  /// before the VM becomes visible; when it fails nothing remains.
  Result<VmRecord>
  create(const VmSpec& spec,
         const std::function<Status(const std::filesystem::path& directory)>& fill) const;
  /// Takes a VM away that nobody supervises; Errc::denied while it runs.
  Status remove(const VmRecord& vm) const;
  /// Deletes what crashed creations and removals left behind.
  Status sweep() const;

  /// Serialises commands that change one VM; what ("stop", …) is told to those who wait.
  Result<sys::FileLock>
  lock(const VmRecord& vm, std::string_view what, std::chrono::milliseconds wait) const;

private:
  std::filesystem::path directory_;
};

/// 12 hex digits from six random bytes.
std::string vm_id_from(const std::array<std::uint8_t, 6>& random);

} // namespace dstack::store
