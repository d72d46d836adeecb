#pragma once
/// What a VM is (vm.json, written by the CLI) and how it is (state.json, written by its
/// supervisor), as values with JSON both ways.

#include "store/vm_placement.hpp"

#include <filesystem>

namespace dstack::store {

enum class Tee { sim, tdx, snp };
enum class RestartPolicy { no, on_failure, always };
enum class VmStatus { created, starting, booting, running, stopping, stopped, failed };

std::string_view name_of(Tee tee);
std::string_view shown_name(Tee tee); ///< for people: "simulated", "tdx", "snp"
std::string_view name_of(RestartPolicy policy); ///< "no" "on-failure" "always"
std::string_view name_of(VmStatus status);
Result<Tee> parse_tee(std::string_view name);
Result<RestartPolicy> parse_restart_policy(std::string_view name);

struct VmImage {
  std::string name{};
  std::filesystem::path path{};
  std::string os_image_hash{}; ///< 64 hex digits
};

struct VmRestart {
  RestartPolicy policy = RestartPolicy::no;
  std::uint32_t max_retries = 5; ///< for on-failure and always; 0 = never give up
};

struct VmApp {
  std::string name{};
  std::string app_id{};       ///< 40 hex digits
  std::string compose_hash{}; ///< 64 hex digits
};

/// Where the app's keys come from, when that is a KMS. Hints for this machine: what the app trusts
/// is in its own file.
struct VmKms {
  std::vector<std::string> urls{}; ///< as this machine reaches them; empty: no KMS
  std::string signer{}; ///< its secp256k1 public key, 66 hex digits; empty: not asked yet
  std::filesystem::path directory{}; ///< of a KMS of this user; empty: somebody else's
};

struct VmSpec {
  std::string id{}; ///< 12 lower-case hex digits
  std::string name{};
  std::string created_at{}; ///< UTC, ISO 8601
  VmImage image{};
  std::uint32_t cpus = 2;
  std::uint64_t memory_bytes = std::uint64_t{2} << 30U;
  std::uint64_t disk_bytes = std::uint64_t{20} << 30U;
  Tee tee = Tee::sim;
  std::vector<vm::PortForward> ports{};
  VmPlacement placement{};
  VmRestart restart{};
  VmApp app{};
  VmKms kms{};
  std::vector<std::string> gateway_urls{}; ///< as this machine reaches them; empty: no gateway
  std::string bundle{}; ///< file name in the VM's directory, empty = images are pulled
  std::string registry_mirror{};
  bool insecure_skip_image_check = false;
  std::vector<std::string> insecure_registries{}; ///< host[:port] asked over plain HTTP
  std::uint64_t boot_deadline_ms = 300'000;
};

/// One stage of the boot, in the order reached.
struct VmStage {
  std::string name{};      ///< event: "vm.qemu-started", "boot.progress", "app.ready", …
  std::string text{};      ///< the guest's words; print through printable()
  std::uint64_t at_ms = 0; ///< since the start
};

struct VmState {
  VmStatus status = VmStatus::created;
  std::int64_t pid = 0;      ///< supervisor, 0 = none
  std::int64_t qemu_pid = 0; ///< 0 = none
  std::string started_at{};  ///< UTC, ISO 8601, of the current or last start
  std::vector<VmStage> stages{};
  std::string instance_id{}; ///< empty until the guest reports it
  std::string app_id{};
  std::uint32_t restarts = 0; ///< automatic ones since the last start by hand
  std::string last_error{};
  bool simulated = false;
  std::string exit{}; ///< how QEMU ended last: "exited with status 0"
};

codec::Json to_json(const VmSpec& spec);
codec::Json to_json(const VmState& state);
codec::Json to_json(const vm::PortForward& port);
/// Errors name the member; ids, names, sizes and ports are checked.
Result<VmSpec> spec_from_json(const codec::Json& json);
Result<VmState> state_from_json(const codec::Json& json);

/// 1 to 63 of [a-z0-9-], first and last alphanumeric (it becomes the guest's host name).
Status check_vm_name(std::string_view name);
bool is_vm_id(std::string_view text); ///< 12 lower-case hex digits

} // namespace dstack::store
