#include "guest/docker_wire.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

using codec::Json;

constexpr std::size_t max_containers_json = std::size_t{8} << 20U;
constexpr std::size_t max_shown_error = 2000;

Result<std::uint16_t> port_number(const Json& object, std::string_view key)
{
  const std::uint64_t value = TRY(object.get_u64(key, 0));
  if (value > 65535) return fail(Errc::malformed, "{} {}", key, value);
  return static_cast<std::uint16_t>(value);
}

Result<std::vector<PublishedPort>> parse_ports(const Json& container)
{
  std::vector<PublishedPort> out;
  const Json* ports = container.find("Ports");
  if (ports == nullptr || !ports->is_array()) return out;
  for (const Json& item : ports->items()) {
    PublishedPort port;
    port.host_port = TRY(port_number(item, "PublicPort"));
    port.container_port = TRY(port_number(item, "PrivatePort"));
    port.protocol = TRY(item.get_string("Type", "tcp"));
    // The same port is listed once per address family.
    if (port.host_port != 0 && std::find(out.begin(), out.end(), port) == out.end())
      out.push_back(std::move(port));
  }
  return out;
}

Result<Container> parse_container(const Json& item)
{
  Container out;
  out.id = TRY(item.need_string("Id"));
  for (const std::string& name : TRY(item.get_strings("Names")))
    out.names.push_back(name.starts_with('/') ? name.substr(1) : name);
  out.image = TRY(item.get_string("Image", ""));
  out.image_id = TRY(item.get_string("ImageID", ""));
  if (const Json* created = item.find("Created")) out.created = TRY(created->as_i64());
  out.state = TRY(item.get_string("State", ""));
  out.status = TRY(item.get_string("Status", ""));
  if (const Json* labels = item.find("Labels"); labels != nullptr && labels->is_object())
    out.service = TRY(labels->get_string("com.docker.compose.service", ""));
  out.ports = TRY(parse_ports(item));
  return out;
}

bool is_named(const Container& container, std::string_view wanted)
{
  return container.id == wanted || container.service == wanted ||
         std::find(container.names.begin(), container.names.end(), wanted) != container.names.end();
}

} // namespace

std::optional<int> Container::exit_code() const
{
  constexpr std::string_view prefix = "Exited (";
  if (!status.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = std::string_view{status}.substr(prefix.size());
  const auto code = parse_u64(rest.substr(0, rest.find(')')));
  if (!code || *code > 255) return std::nullopt;
  return static_cast<int>(*code);
}

Result<std::vector<Container>> parse_containers(std::string_view json)
{
  const Json root = TRY(codec::parse_json(json, {max_containers_json, 32, 1'000'000}));
  if (!root.is_array()) return fail(Errc::malformed, "container list is no array");
  std::vector<Container> out;
  for (const Json& item : root.items())
    out.push_back(TRY(parse_container(item).within("container {}", out.size())));
  return out;
}

Result<Container> find_container(const std::vector<Container>& all, std::string_view wanted)
{
  constexpr std::size_t shortest_prefix = 4;
  std::vector<Container> found;
  std::vector<std::string> names;
  for (const Container& one : all) {
    if (is_named(one, wanted)) return one;
    if (wanted.size() >= shortest_prefix && one.id.starts_with(wanted)) found.push_back(one);
    names.push_back(!one.service.empty() || one.names.empty() ? one.service : one.names.front());
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1)
    return fail(Errc::usage, "\"{}\" means {} containers", printable(wanted), found.size());
  return fail(Errc::not_found, "no container \"{}\" (there are: {})", printable(wanted),
              names.empty() ? "none" : printable(join(names, ", ")));
}

std::optional<std::string> error_in_stream(std::string_view json_lines)
{
  for (const std::string_view line : split(json_lines, '\n')) {
    if (trim(line).empty()) continue;
    const auto parsed = codec::parse_json(trim(line));
    if (!parsed) continue;
    const auto text = parsed->get_string("error", "");
    if (text && !text->empty()) return printable(*text);
  }
  return std::nullopt;
}

std::string error_message(std::string_view body)
{
  const auto parsed = codec::parse_json(body);
  if (parsed)
    if (const auto text = parsed->get_string("message", ""); text && !text->empty())
      return printable(*text);
  return printable(trim(body).substr(0, max_shown_error));
}

} // namespace dstack::guest
