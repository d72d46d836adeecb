#pragma once
/// app-compose.json: what is measured as "the application". Parsed strictly, hashed as raw bytes.

#include "codec/json.hpp"

#include <array>
#include <map>

namespace dstack::compose {

using ComposeHash = std::array<std::uint8_t, 32>;
using AppId = std::array<std::uint8_t, 20>;
using InstanceId = std::array<std::uint8_t, 20>;

inline constexpr std::size_t max_app_compose_bytes = std::size_t{50} << 20U;

/// SHA-256 of the bytes as delivered; there is no canonical form.
ComposeHash compose_hash(ByteView app_compose);
/// First 20 bytes of the compose hash: the identity of a fresh app.
AppId app_id(const ComposeHash& hash);
/// First 20 bytes of SHA-256(seed, app id, binding); binding is empty except on cloud TPMs.
InstanceId instance_id(ByteView seed, const AppId& app, ByteView binding = {});

enum class Runner { docker_compose, nerdctl_compose, bash, none };
enum class KeyProvider { none, kms, local, tpm };
std::string_view name_of(Runner runner);
std::string_view name_of(KeyProvider provider);

struct VerityVolume {
  std::string source;
  std::array<std::uint8_t, 32> verity_root{};
  std::string target;
};

struct PolicyPort {
  std::uint16_t port = 0;
  bool proxy_protocol = false;
};

struct Requirements {
  std::optional<std::string> os_version; ///< Cargo-style requirement, syntax checked
  std::optional<std::vector<std::string>> platforms;
  std::optional<bool> tdx_measure_acpi_tables;
  std::optional<std::array<std::uint8_t, 32>> launch_token_hash;
  std::optional<codec::Json> gpu_policy; ///< as written, checked
};

struct AppCompose {
  codec::Json json; ///< everything as written, unknown keys too
  int manifest_version = 2;
  std::string name;
  Runner runner = Runner::docker_compose;
  std::string snapshotter;
  std::optional<std::string> docker_compose_file;
  std::optional<std::string> bash_script;
  std::optional<std::string> pre_launch_script;
  std::vector<std::string> init_script;
  bool public_logs = false;
  bool public_sysinfo = false;
  bool public_tcbinfo = true;
  bool gateway_enabled = false; ///< any of its three spellings
  KeyProvider key_provider = KeyProvider::none;
  std::string key_provider_field; ///< which field said so, for messages
  Bytes key_provider_id;
  std::vector<std::string> allowed_envs;
  bool no_instance_id = false;
  bool secure_time = true;
  std::string storage_fs; ///< "zfs", "ext4" or empty
  std::uint64_t swap_bytes = 0;
  int event_log_version = 1;
  std::vector<PolicyPort> policy_ports;
  bool restrict_ports = false;
  std::vector<VerityVolume> verity_volumes;
  std::optional<Requirements> requirements;
  std::map<std::string, std::string> env_files; ///< our extra key: relative path -> text
};

/// Errors name the field: "app-compose: manifest_version: …".
Result<AppCompose> parse_app_compose(std::string_view text);

/// A field whose meaning this build's guest does not carry out.
struct UnsupportedField {
  std::string field;
  std::string why;
};
/// What the guest must refuse to boot with, in the order of the fields; empty: all is carried out.
std::vector<UnsupportedField> check_supported(const AppCompose& app);
/// The same as an error (Errc::unsupported) naming every field.
Status require_supported(const AppCompose& app);

struct BuildOptions {
  std::string name;
  std::string docker_compose_file;
  std::map<std::string, std::string> env_files;
  KeyProvider key_provider = KeyProvider::none;
  Bytes key_provider_id; ///< the only one whose keys are taken; empty: any
  bool gateway_enabled = false;
  std::optional<codec::Json> port_policy; ///< as an app-compose has it
  bool public_logs = true;
  bool public_sysinfo = true;
  bool public_tcbinfo = true;
  bool no_instance_id = false;
  bool secure_time = false; ///< the guest has no trusted time source yet
  std::string storage_fs = "ext4";
  std::vector<std::string> init_scripts; ///< at most five
  std::string pre_launch_script;
  std::vector<std::string> allowed_envs;
  std::uint64_t swap_bytes = 0;
  int event_log_version = 1;
  std::optional<std::array<std::uint8_t, 32>> launch_token_hash;
};
/// One line of JSON, keys sorted by code point, UTF-8 as is, no trailing newline: the same input
/// always gives the same bytes, hence the same app id.
Result<std::string> build_app_compose(const BuildOptions& options);

enum class Prune { nothing, unused_fields };
/// The clients' convention before hashing: sorted keys, compact. unused_fields first drops
/// docker_compose_file of a bash app, bash_script of a compose app and an empty pre_launch_script.
Result<std::string> normalise_app_compose(std::string_view text, Prune prune);

/// Hash by which an app names its launch token: sha256("dstack-launch-token/v1:" token).
std::array<std::uint8_t, 32> launch_token_hash(std::string_view token);
/// sha256 of requirements.gpu_policy in canonical JSON, of {} when absent.
std::array<std::uint8_t, 32> gpu_policy_hash(const AppCompose& app);

} // namespace dstack::compose
