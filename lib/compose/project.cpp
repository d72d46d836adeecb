#include "compose/source.hpp"

#include <set>

namespace dstack::compose {

using codec::Yaml;

namespace {

/// The standard tags; "!reset" and the like change what a file means when files are merged.
bool is_plain_tag(std::string_view tag)
{
  for (const std::string_view known :
       {"", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float",
        "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", "tag:yaml.org,2002:map",
        "tag:yaml.org,2002:seq"})
    if (tag == known) return true;
  return false;
}

/// What Go's yaml.v3 takes for a time: compose would print it back in another form.
bool looks_like_date(const Yaml& node)
{
  if (node.style != codec::YamlStyle::plain || !node.tag.empty()) return false;
  std::size_t i = 0;
  const auto digits = [&](std::size_t least, std::size_t most) {
    const std::size_t from = i;
    while (i < node.text.size() && i - from < most && node.text[i] >= '0' && node.text[i] <= '9')
      ++i;
    return i - from >= least;
  };
  const auto dash = [&] { return i < node.text.size() && node.text[i++] == '-'; };
  if (!digits(4, 4) || !dash() || !digits(1, 2) || !dash() || !digits(1, 2)) return false;
  return i == node.text.size() || node.text[i] == 'T' || node.text[i] == 't' || node.text[i] == ' ';
}

/// Replaces variables in every text and refuses what compose would read in another way than meant.
Status prepare(const Source& source, const Variables& variables, Yaml& node)
{
  if (!is_plain_tag(node.tag))
    return source.at(node.at, "tag {} is not supported", printable(node.tag));
  if (node.is_scalar()) {
    if (looks_like_date(node))
      return source.at(node.at, "'{}' is read as a date; put it in quotes", printable(node.text));
    if (node.text.find('$') == std::string::npos || !node.is_string()) return ok();
    auto text = interpolate(node.text, variables);
    if (!text) return source.at(node.at, "{}", text.error().message());
    node.text = *std::move(text);
    node.style =
        node.style == codec::YamlStyle::plain ? codec::YamlStyle::double_quoted : node.style;
    return ok();
  }
  for (Yaml& item : node.items)
    TRY(prepare(source, variables, item));
  for (auto& member : node.members) {
    if (!member.string_key)
      return source.at(member.at, "key '{}' is no text; put it in quotes", printable(member.key));
    TRY(prepare(source, variables, member.value));
  }
  return ok();
}

Status check_top(const Source& source, const Yaml& root)
{
  if (root.is_null()) return source.at(root.at, "the file is empty");
  TRY(source.wants_map(root, "the file"));
  for (const auto& member : root.members)
    if (member.key == "include")
      return source.at(member.at,
                       "include: what runs must be in one file; copy the included services here");
  return source.only_keys(
      root, "the file",
      {"version", "name", "services", "networks", "volumes", "configs", "secrets", "include"});
}

bool starts(const Service& service)
{
  return service.profiles.empty();
}

using ByName = std::map<std::string, const Service*>;

/// A service of a circle of dependencies, if there is one. Services that wait for nothing are taken
/// away until none is left; from what remains every way leads into a circle.
const Service* waits_for_itself(const Project& project, const ByName& by_name)
{
  std::map<const Service*, std::vector<const Service*>> waiting;
  std::map<const Service*, std::size_t> wants;
  std::vector<const Service*> free;
  for (const Service& service : project.services) {
    wants[&service] = service.depends_on.size();
    if (service.depends_on.empty()) free.push_back(&service);
    for (const std::string& other : service.depends_on)
      waiting[by_name.at(other)].push_back(&service);
  }
  while (!free.empty()) {
    const Service* done = free.back();
    free.pop_back();
    wants.erase(done);
    for (const Service* service : waiting[done])
      if (--wants[service] == 0) free.push_back(service);
  }
  if (wants.empty()) return nullptr;
  const Service* at = wants.begin()->first;
  for (std::size_t steps = wants.size(); steps > 0; --steps)
    for (const std::string& other : at->depends_on)
      if (wants.contains(by_name.at(other))) {
        at = by_name.at(other);
        break;
      }
  return at;
}

/// A range that compose picks from may overlap another; a single port may not be had twice.
Status check_ports(const Source& source, const Project& project)
{
  using ByAddress = std::map<std::string, codec::YamlMark>;
  std::map<std::pair<std::string, std::uint16_t>, ByAddress> taken;
  for (const PortMapping& port : project.published_ports()) {
    if (port.published != port.published_last) continue;
    ByAddress& others = taken[{port.protocol, port.published}];
    auto other = others.find(port.host_ip);
    // No address is every address.
    if (other == others.end()) other = port.host_ip.empty() ? others.begin() : others.find("");
    if (other != others.end())
      return source.at(port.at, "ports: {} is published on line {} already", port.published,
                       other->second.line);
    others[port.host_ip] = port.at;
  }
  return ok();
}

Status check_links(const Source& source, const Project& project)
{
  ByName by_name;
  for (const Service& service : project.services)
    by_name[service.name] = &service;
  const std::set<std::string> volumes{project.volumes.begin(), project.volumes.end()};
  for (const Service& service : project.services) {
    for (const std::string& other : service.depends_on) {
      const auto found = by_name.find(other);
      if (found == by_name.end())
        return source.at(service.at, "service '{}' depends on '{}', which is not in the file",
                         service.name, printable(other));
      if (starts(service) && !starts(*found->second))
        return source.at(service.at,
                         "service '{}' depends on '{}', which its profile keeps from starting",
                         service.name, other);
    }
    for (const Mount& mount : service.mounts)
      if (mount.kind == MountKind::volume && !volumes.contains(mount.source))
        return source.at(mount.at,
                         "volume '{}' is not declared; add it under the top-level 'volumes:'",
                         printable(mount.source));
  }
  if (const Service* service = waits_for_itself(project, by_name))
    return source.at(service->at, "service '{}' waits for itself: its depends_on lead back to it",
                     service->name);
  return check_ports(source, project);
}

Status refuse_settings(const ReadOptions& options)
{
  const auto is_setting = [](std::string_view name) {
    return name.starts_with("COMPOSE_") || name.starts_with("DOCKER_");
  };
  for (const auto& [name, value] : options.variables)
    if (is_setting(name))
      return fail(Errc::malformed,
                  ".env: {} would change how docker compose runs inside the VM; remove it", name);
  for (const std::string& name : options.encrypted)
    if (is_setting(name))
      return fail(Errc::malformed,
                  "allowed_envs: {} would change how docker compose runs inside the VM", name);
  return ok();
}

/// Whoever judges the file here gets by with some value that is not empty.
Variables known(const ReadOptions& options)
{
  Variables out = options.variables;
  for (const std::string& name : options.encrypted)
    out.try_emplace(name, "known-to-the-VM");
  return out;
}

} // namespace

Result<Project> read_project(std::string_view text, const ReadOptions& options)
{
  const Source source{options.file_name};
  TRY(refuse_settings(options));
  const Variables variables = known(options);
  Project out;
  out.tree = TRY(codec::parse_yaml(text, options.file_name));
  TRY(check_top(source, out.tree));
  TRY(prepare(source, variables, out.tree));
  TRY(check_resources(source, out.tree, variables));
  if (const Yaml* name = out.tree.find("name")) out.name = TRY(source.text(*name, "name"));
  const Yaml* services = out.tree.find("services");
  if (services == nullptr || services->is_null())
    return source.at(out.tree.at, "no 'services:' in the file");
  TRY(source.wants_map(*services, "services"));
  for (const auto& member : services->members)
    out.services.push_back(TRY(read_service(source, member)));
  if (out.services.empty()) return source.at(services->at, "services: there is none");
  if (const Yaml* volumes = out.tree.find("volumes"))
    for (const auto& member : volumes->members)
      out.volumes.push_back(member.key);
  TRY(check_links(source, out));
  return out;
}

std::vector<std::string> Project::images() const
{
  std::vector<std::string> out;
  for (const Service& service : services)
    if (starts(service) && std::find(out.begin(), out.end(), service.image) == out.end())
      out.push_back(service.image);
  return out;
}

std::vector<PortMapping> Project::published_ports() const
{
  std::vector<PortMapping> out;
  for (const Service& service : services)
    for (const PortMapping& port : service.ports)
      if (starts(service) && port.published != 0) out.push_back(port);
  return out;
}

std::map<std::string, bool> needed_files(const Project& project)
{
  std::map<std::string, bool> out{{".env", false}};
  for (const Service& service : project.services)
    for (const EnvFile& file : service.env_files)
      out[file.path] = out[file.path] || (file.required && starts(service));
  return out;
}

} // namespace dstack::compose
