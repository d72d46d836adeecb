#pragma once
/// Views of a compose file's nodes whose errors carry the place. Internal to compose.

#include "base/text.hpp"
#include "compose/project.hpp"

#include <algorithm>

namespace dstack::compose {

/// The file being read: where errors point to.
struct Source {
  std::string file;

  template <class... Args>
  Error at(const codec::YamlMark& mark, fmt::format_string<Args...> format, Args&&... args) const
  {
    return fail(Errc::malformed, "{}:{}:{}: {}", file, mark.line, mark.column,
                fmt::format(format, std::forward<Args>(args)...));
  }

  /// A scalar as compose passes it on: strings as they are, numbers as it prints them.
  Result<std::string> text(const codec::Yaml& node, std::string_view what) const;
  /// true/false and, as compose casts them where a boolean is wanted, yes/no/on/off/y/n.
  Result<bool> flag(const codec::Yaml& node, std::string_view what) const;
  /// A list of scalars; also a single scalar.
  Result<std::vector<std::string>> texts(const codec::Yaml& node, std::string_view what) const;
  Status wants_map(const codec::Yaml& node, std::string_view what) const;
  /// Fails at the first key that is neither known nor starts with "x-".
  Status only_keys(const codec::Yaml& map,
                   std::string_view what,
                   const std::vector<std::string>& known) const;
};

/// Ports of a service: short and long syntax, ranges opened.
Result<std::vector<PortMapping>> read_ports(const Source& source, const codec::Yaml& node);
/// Mounts of a service; refuses what would come from the host.
Result<std::vector<Mount>> read_mounts(const Source& source, const codec::Yaml& node);
/// One service with everything it names inside itself.
Result<Service> read_service(const Source& source, const codec::YamlMember& member);
/// Top-level networks, volumes, configs and secrets: refuses what is not in the guest.
Status check_resources(const Source& source, const codec::Yaml& root, const Variables& variables);

} // namespace dstack::compose
