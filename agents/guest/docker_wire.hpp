#pragma once
/// What dockerd's Engine API (version 1.41 and later) sends, as plain values. Container names and
/// states come from the app and are treated as hostile.

#include "base/bytes.hpp"

#include <optional>

namespace dstack::guest {

struct PublishedPort {
  std::uint16_t host_port = 0;
  std::uint16_t container_port = 0;
  std::string protocol;
  bool operator==(const PublishedPort&) const = default;
};

struct Container {
  std::string id;
  std::vector<std::string> names; ///< without the leading '/'
  std::string image;
  std::string image_id;
  std::int64_t created = 0;
  std::string state;   ///< "running", "exited", …
  std::string status;  ///< "Exited (1) 2 seconds ago"
  std::string service; ///< name in the compose file, "" when compose did not make it
  std::vector<PublishedPort> ports;
  /// The code of "Exited (N) …"; nothing while it runs.
  std::optional<int> exit_code() const;
};

/// Answer of GET /containers/json.
Result<std::vector<Container>> parse_containers(std::string_view json);

/// The one container meant by an id, an unambiguous id prefix, a name or a service name.
Result<Container> find_container(const std::vector<Container>& all, std::string_view wanted);

/// The error an operation stream (image load) reports in its JSON lines, if any.
std::optional<std::string> error_in_stream(std::string_view json_lines);
/// {"message": …} of a failed request, or the text itself.
std::string error_message(std::string_view body);

} // namespace dstack::guest
