#include "compose/source.hpp"

namespace dstack::compose {

using codec::Yaml;

namespace {

/// What the guest itself offers to containers: the sockets of its agent.
constexpr std::string_view guest_sockets[] = {
    "/var/run/dstack.sock",
    "/run/dstack.sock",
    "/var/run/tappd.sock",
    "/run/tappd.sock",
};

bool looks_like_path(std::string_view source)
{
  return source.starts_with('/') || source.starts_with('.') || source.starts_with('~');
}

Error refuse_bind(const Source& source, const codec::YamlMark& at, std::string_view path)
{
  if (path == "/dev" || path.starts_with("/dev/"))
    return source.at(at, "bind mount of {}: a confidential VM has no devices of its host", path);
  return source.at(at,
                   "bind mount of '{}': a confidential VM shares no files with its host; put the "
                   "files into the image, use a named volume, or 'configs:' with 'content:'",
                   printable(path));
}

Status classify(const Source& source, Mount& mount)
{
  if (mount.source.empty()) {
    mount.kind = MountKind::anonymous;
    return ok();
  }
  if (!looks_like_path(mount.source)) return ok();
  const auto* end = std::end(guest_sockets);
  if (std::find(std::begin(guest_sockets), end, mount.source) == end)
    return refuse_bind(source, mount.at, mount.source);
  mount.kind = MountKind::guest_socket;
  return ok();
}

Result<Mount> short_form(const Source& source, const Yaml& node)
{
  const std::string text = TRY(source.text(node, "volumes"));
  Mount out;
  out.at = node.at;
  const auto parts = split(text, ':');
  if (parts.size() > 1 && parts[0].size() == 1 && parts[0] != "." && parts[0] != "~" &&
      parts[0] != "/")
    return source.at(node.at,
                     "volumes: docker compose takes the one-letter name '{}' for a drive; use a "
                     "longer one",
                     printable(parts[0]));
  if (text.empty() || parts.size() > 3 || parts.back().empty())
    return source.at(node.at, "volumes: '{}' is not [source:]target[:mode]", printable(text));
  if (parts.size() > 1) out.source = parts[0];
  out.target = parts.size() > 1 ? parts[1] : parts[0];
  if (parts.size() == 3)
    for (const std::string_view option : split(parts[2], ','))
      out.read_only = out.read_only || option == "ro";
  if (!out.target.starts_with('/'))
    return source.at(node.at, "volumes: target '{}' is not an absolute path",
                     printable(out.target));
  TRY(classify(source, out));
  return out;
}

Result<Mount> long_form(const Source& source, const Yaml& node)
{
  TRY(source.only_keys(
      node, "volumes",
      {"type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs"}));
  Mount out;
  out.at = node.at;
  const Yaml* type = node.find("type");
  if (type == nullptr) return source.at(node.at, "volumes: type is missing");
  const std::string kind = TRY(source.text(*type, "type"));
  if (const Yaml* value = node.find("source")) out.source = TRY(source.text(*value, "source"));
  if (const Yaml* value = node.find("target")) out.target = TRY(source.text(*value, "target"));
  if (const Yaml* value = node.find("read_only"))
    out.read_only = TRY(source.flag(*value, "read_only"));
  if (kind == "tmpfs") {
    out.kind = MountKind::tmpfs;
    return out;
  }
  if (kind == "bind" && !looks_like_path(out.source))
    return refuse_bind(source, node.at, out.source);
  if (kind == "bind" || (kind == "volume" && !looks_like_path(out.source))) {
    TRY(classify(source, out));
    return out;
  }
  return source.at(type->at,
                   "volumes: type '{}' (want volume or tmpfs, or bind of the dstack socket)",
                   printable(kind));
}

} // namespace

Result<std::vector<Mount>> read_mounts(const Source& source, const Yaml& node)
{
  if (!node.is_list()) return source.at(node.at, "volumes: a list is wanted");
  std::vector<Mount> out;
  for (const Yaml& item : node.items)
    out.push_back(TRY(item.is_map() ? long_form(source, item) : short_form(source, item)));
  return out;
}

} // namespace dstack::compose
