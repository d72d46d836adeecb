#include "compose/source.hpp"

namespace dstack::compose {

using codec::Yaml;

namespace {

Status check_external(const Source& source, std::string_view what, const codec::YamlMember& member)
{
  const Yaml* external = member.value.find("external");
  if (external == nullptr) return ok();
  if (!external->is_map() && !TRY(source.flag(*external, "external"))) return ok();
  return source.at(external->at,
                   "{} '{}' is external: nothing exists in the VM before the app; remove "
                   "'external'",
                   what, printable(member.key));
}

Status check_volume(const Source& source, const codec::YamlMember& member)
{
  if (const Yaml* driver = member.value.find("driver"))
    if (TRY(source.text(*driver, "driver")) != "local")
      return source.at(driver->at, "volume '{}': only the driver 'local' is in the VM",
                       printable(member.key));
  const Yaml* options = member.value.find("driver_opts");
  const Yaml* mount = options == nullptr ? nullptr : options->find("o");
  if (mount == nullptr) return ok();
  for (const std::string_view option : split(TRY(source.text(*mount, "o")), ','))
    if (option == "bind" || option == "rbind")
      return source.at(mount->at,
                       "volume '{}' is a bind mount: a confidential VM shares no files with its "
                       "host; remove driver_opts",
                       printable(member.key));
  return ok();
}

/// A config or secret has one source; a file of the host is none the guest could read.
Status check_content(const Source& source,
                     std::string_view what,
                     const codec::YamlMember& member,
                     const Variables& variables)
{
  const Yaml& node = member.value;
  if (const Yaml* file = node.find("file"))
    return source.at(file->at,
                     "{} '{}' comes from a file of the host, which the VM does not see; write the "
                     "text here with 'content:' (configs) or use 'env_file:'",
                     what, printable(member.key));
  const Yaml* variable = node.find("environment");
  if (variable == nullptr) return ok();
  const std::string name = TRY(source.text(*variable, "environment"));
  if (variables.contains(name)) return ok();
  return source.at(variable->at, "{} '{}': variable {} is not set in the project's .env file", what,
                   printable(member.key), printable(name));
}

} // namespace

Status check_resources(const Source& source, const Yaml& root, const Variables& variables)
{
  struct Kind {
    std::string_view key;
    std::string_view what;
  };
  for (const Kind& kind : {Kind{"networks", "network"}, Kind{"volumes", "volume"},
                           Kind{"configs", "config"}, Kind{"secrets", "secret"}}) {
    const Yaml* map = root.find(kind.key);
    if (map == nullptr || map->is_null()) continue;
    TRY(source.wants_map(*map, kind.key));
    for (const auto& member : map->members) {
      if (member.value.is_null()) continue;
      TRY(source.wants_map(member.value, fmt::format("{} '{}'", kind.what, printable(member.key))));
      TRY(check_external(source, kind.what, member));
      if (kind.key == "volumes") TRY(check_volume(source, member));
      if (kind.key == "configs" || kind.key == "secrets")
        TRY(check_content(source, kind.what, member, variables));
    }
  }
  return ok();
}

} // namespace dstack::compose
