// Prints what we read in compose.yaml (and .env) of a directory as one JSON document, or
// {"refused": "…"}. For the differential test with docker compose.
#include "compose/project.hpp"
#include "sys/files.hpp"

#include <cstdio>

namespace dstack {
namespace {

codec::Json facts_of(const compose::Service& service)
{
  codec::Json ports = codec::Json::array();
  for (const auto& port : service.ports) {
    const bool range = port.published_last != port.published;
    ports.push(codec::Json{}
                   .set("host_ip", port.host_ip)
                   .set("published", port.published == 0 ? ""
                                     : range
                                         ? fmt::format("{}-{}", port.published, port.published_last)
                                         : std::to_string(port.published))
                   .set("target", std::uint64_t{port.target})
                   .set("protocol", port.protocol));
  }
  codec::Json mounts = codec::Json::array();
  for (const auto& mount : service.mounts) {
    const bool tmpfs = mount.kind == compose::MountKind::tmpfs;
    const bool bind = mount.kind == compose::MountKind::guest_socket;
    mounts.push(codec::Json{}
                    .set("type", tmpfs  ? "tmpfs"
                                 : bind ? "bind"
                                        : "volume")
                    .set("source", mount.source)
                    .set("target", mount.target)
                    .set("read_only", mount.read_only));
  }
  codec::Json depends = codec::Json::array();
  for (const std::string& name : service.depends_on)
    depends.push(name);
  return codec::Json{}
      .set("image", service.image)
      .set("ports", std::move(ports))
      .set("volumes", std::move(mounts))
      .set("depends_on", std::move(depends))
      .set("privileged", service.privileged)
      .set("network_mode", service.network_mode)
      .set("restart", service.restart);
}

Result<codec::Json> read_facts(const sys::fs::path& directory)
{
  compose::ReadOptions options;
  if (const auto env = sys::read_text(directory / ".env", compose::max_env_file_bytes))
    options.variables = TRY(compose::parse_dotenv(*env, ".env"));
  const std::string text = TRY(sys::read_text(directory / "compose.yaml", std::size_t{1} << 20U));
  const auto project = TRY(compose::read_project(text, options));
  codec::Json services = codec::Json::object();
  for (const auto& service : project.services)
    if (service.profiles.empty()) services.set(service.name, facts_of(service));
  codec::Json extensions = codec::Json::object();
  for (const auto& member : project.tree.members)
    if (member.key.starts_with("x-")) extensions.set(member.key, codec::yaml_to_json(member.value));
  return codec::Json{}.set("services", std::move(services)).set("x", std::move(extensions));
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  using dstack::codec::Json;
  if (argc != 2) return 2;
  const auto facts = dstack::read_facts(argv[1]);
  const Json out = facts ? *facts : Json{}.set("refused", facts.error().message());
  std::puts(dstack::codec::write_json(out).c_str());
  return 0;
}
