#pragma once
/// A docker compose file as the guest will run it: read, interpolated and judged before deploying.
/// Everything a confidential VM cannot offer is refused here with its place and what to do.

#include "codec/yaml.hpp"

#include <map>

namespace dstack::compose {

using Variables = std::map<std::string, std::string>;

/// The text of a .env file as compose reads it; values may use ${NAME} of earlier lines.
Result<Variables> parse_dotenv(std::string_view text, std::string_view file_name);
/// ${NAME}, ${NAME:-default} … of the compose specification. An unset variable without default is
/// an error. Nothing is ever taken from a process environment.
Result<std::string> interpolate(std::string_view text, const Variables& variables);

struct ReadOptions {
  std::string file_name = "compose.yaml"; ///< only for messages
  Variables variables;                    ///< of the project's .env file
  /// Names that the VM alone knows the values of (allowed_envs): they count as set.
  std::vector<std::string> encrypted{};
};

/// Range of bytes of the compose text, and its place for messages.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  codec::YamlMark at;
};

struct PortMapping {
  std::string host_ip;              ///< empty: every address
  std::uint16_t published = 0;      ///< 0: compose picks one
  std::uint16_t published_last = 0; ///< end of the range compose may pick from
  std::uint16_t target = 0;
  std::string protocol = "tcp"; ///< tcp or udp
  codec::YamlMark at;
};

enum class MountKind { volume, anonymous, tmpfs, guest_socket };

struct Mount {
  MountKind kind = MountKind::volume;
  std::string source; ///< name of the volume, or path of the guest's socket
  std::string target;
  bool read_only = false;
  codec::YamlMark at;
};

struct EnvFile {
  std::string path; ///< relative, no ".."
  bool required = true;
  codec::YamlMark at;
};

struct Service {
  std::string name;
  codec::YamlMark at;
  std::string image; ///< as written, variables replaced
  Span image_span;
  std::vector<PortMapping> ports;
  std::vector<Mount> mounts;
  std::vector<EnvFile> env_files;
  std::vector<std::string> depends_on;
  std::vector<std::string> profiles; ///< not empty: not started by a plain "up"
  std::string network_mode;
  std::string restart;
  bool privileged = false;
};

struct Project {
  std::string name; ///< the file's "name:", may be empty
  std::vector<Service> services;
  std::vector<std::string> volumes;
  codec::Yaml tree; ///< interpolated

  /// References of services that start, each once, in the order written.
  std::vector<std::string> images() const;
  /// Host ports wanted by services that start.
  std::vector<PortMapping> published_ports() const;
};

/// Errors read "compose.yaml:12:5: what is wrong; remedy".
Result<Project> read_project(std::string_view text, const ReadOptions& options = {});

/// Limits on the environment files that travel inside the measured app-compose.
inline constexpr std::size_t max_env_file_bytes = std::size_t{64} << 10U;
inline constexpr std::size_t max_env_files_bytes = std::size_t{256} << 10U;

/// Files the caller must read beside the compose file: path -> must it exist. ".env" is one of them
/// (optional): read it first, it is also the source of ReadOptions::variables.
std::map<std::string, bool> needed_files(const Project& project);
/// The files' text (path -> text) within the limits above and UTF-8, or what is wrong.
Status check_env_files(const std::map<std::string, std::string>& files);

/// An image reference at a place of the text; all services' ones, also inactive profiles.
struct ImageUse {
  std::string reference;
  bool has_digest = false;
  Span span;
};
std::vector<ImageUse> image_uses(const Project& project);

/// The text with every reference found in digests ("nginx:1.27" -> "sha256:…") spelled
/// "nginx:1.27@sha256:…"; every other byte stays. References with a digest stay.
Result<std::string> pin_images(std::string_view text,
                               const Project& project,
                               const std::map<std::string, std::string>& digests);

} // namespace dstack::compose
