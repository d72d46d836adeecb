#include "guest/app.hpp"

#include "base/text.hpp"

namespace dstack::guest {

namespace {

using sys::fs::path;

constexpr const char* compose_program = "/usr/libexec/docker/cli-plugins/docker-compose";
const path app_directory = "/run/dstack/app";
constexpr const char* compose_file = "docker-compose.yaml";
constexpr const char* override_name = "dstack-images.json";
constexpr std::chrono::milliseconds up_deadline{1'800'000}; ///< pulls of large images included

Result<path> inside_app(const std::string& relative)
{
  const path plain = path{relative}.lexically_normal();
  if (relative.empty() || plain.is_absolute() || plain.begin()->string() == ".." ||
      !plain.has_filename())
    return fail(Errc::malformed, "env file \"{}\" is outside the app", printable(relative));
  return app_directory / plain;
}

sys::Command compose(const AppFiles& files, std::vector<std::string> arguments)
{
  sys::Command command;
  command.argv = {compose_program, "-p", files.project, "-f", compose_file};
  if (!files.image_override.empty()) {
    command.argv.emplace_back("-f");
    command.argv.emplace_back(override_name);
  }
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.env = {{"DOCKER_HOST", "unix:///run/docker.sock"},
                 {"HOME", "/root"},
                 {"COMPOSE_PROGRESS", "plain"},
                 {"COMPOSE_ANSI", "never"}};
  command.directory = app_directory;
  return command;
}

} // namespace

Status write_app_files(const AppFiles& files)
{
  TRY(sys::make_directories(app_directory, sys::Privacy::owner_only));
  constexpr auto owner = sys::Privacy::owner_only;
  TRY(sys::write_file_atomic(app_directory / compose_file, as_bytes(files.compose), owner));
  if (!files.image_override.empty())
    TRY(sys::write_file_atomic(app_directory / override_name, as_bytes(files.image_override),
                               owner));
  for (const auto& [name, text] : files.env_files) {
    const path target = TRY(inside_app(name));
    TRY(sys::make_directories(target.parent_path(), owner));
    TRY(sys::write_file_atomic(target, as_bytes(text), owner));
  }
  return ok();
}

Status compose_up(Processes& processes, const AppFiles& files)
{
  const auto command =
      compose(files, {"up", "--detach", "--no-build", "--quiet-pull", "--remove-orphans"});
  const Finished done = TRY(processes.finish(command, {}, up_deadline));
  if (done.state.success()) return ok();
  return fail(Errc::io, "docker compose up {}: {}", done.state.describe(), last_lines(done.tail));
}

Status compose_stop(Processes& processes, const AppFiles& files, std::chrono::milliseconds limit)
{
  // Without --timeout each container gets the stop_grace_period its author wrote.
  TRY(processes.run(compose(files, {"stop"}), {}, limit));
  return ok();
}

std::string containers_target(std::string_view project)
{
  const std::string filter =
      fmt::format(R"({{"label":["com.docker.compose.project={}"]}})", project);
  return "/containers/json?all=1&filters=" + http::percent_encode(filter);
}

} // namespace dstack::guest
