#include "guest/app.hpp"

#include "base/text.hpp"
#include "guest/config_share.hpp"
#include "guest/mounts.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

using sys::fs::path;

constexpr const char* compose_program = "/usr/libexec/docker/cli-plugins/docker-compose";
const path app_directory = "/run/dstack/app";
constexpr const char* compose_file = "docker-compose.yaml";
constexpr const char* override_name = "dstack-images.json";
constexpr const char* script_directory = "/dstack"; ///< app_directory, where scripts look for it
constexpr const char* pre_launch_name = "./.pre-launch-script";
constexpr const char* main_name = "./.main-script";
constexpr std::chrono::milliseconds up_deadline{1'800'000}; ///< pulls of large images included

Result<path> inside_app(const std::string& relative)
{
  const path plain = path{relative}.lexically_normal();
  if (relative.empty() || plain.is_absolute() || plain.begin()->string() == ".." ||
      !plain.has_filename())
    return fail(Errc::malformed, "env file \"{}\" is outside the app", printable(relative));
  return app_directory / plain;
}

/// "set -e", then every file but the last words is sourced: `bash -c this bash COUNT FILE… WORD…`
/// sources COUNT files and becomes the words behind them, if there are any.
constexpr const char* source_then_run =
    "set -e; n=$1; shift; while [ \"$n\" -gt 0 ]; do f=$1; shift; n=$((n - 1)); . \"$f\"; done; "
    "if [ $# -gt 0 ]; then exec \"$@\"; fi";

using Variables = std::map<std::string, std::string>;
using Assignments = std::vector<std::pair<std::string, std::string>>;

/// The app's variables, exactly; those that the guest needs are its own.
Assignments with_ours(const Variables& app, Assignments ours)
{
  for (const auto& theirs : app)
    if (std::none_of(ours.begin(), ours.end(),
                     [&](const auto& one) { return one.first == theirs.first; }))
      ours.emplace_back(theirs);
  return ours;
}

sys::Command shell(const std::vector<std::string>& scripts,
                   const std::vector<std::string>& then,
                   const Variables& environment)
{
  sys::Command command;
  command.argv = {"/bin/bash", "-c", source_then_run, "bash", std::to_string(scripts.size())};
  command.argv.insert(command.argv.end(), scripts.begin(), scripts.end());
  command.argv.insert(command.argv.end(), then.begin(), then.end());
  command.env =
      with_ours(environment, {{"DOCKER_HOST", "unix:///run/docker.sock"}, {"HOME", "/root"}});
  command.directory = script_directory;
  return command;
}

std::string init_name(std::size_t index)
{
  return fmt::format("./.init-script-{}", index);
}

Status run_shell(Processes& processes, sys::Command command)
{
  const Finished done = TRY(processes.finish(std::move(command), {}, up_deadline));
  if (done.state.success()) return ok();
  return fail(Errc::io, "{}: {}", done.state.describe(), last_lines(done.tail));
}

/// What scripts of published guests expect in /dstack beside the compose file.
Status link_host_files()
{
  constexpr std::array<std::pair<const char*, const char*>, 3> links = {
      {{".host-shared", host_shared_copies},
       {"app-compose.json", ".host-shared/app-compose.json"},
       {"user_config", ".host-shared/.user-config"}}};
  for (const auto& [name, target] : links) {
    std::error_code error;
    if (sys::fs::is_symlink(app_directory / name, error)) continue;
    sys::fs::create_symlink(target, app_directory / name, error);
    if (error) return fail(Errc::io, "link {}: {}", name, error.message());
  }
  return ok();
}

Status write_script(const std::string& name, const std::string& text)
{
  return sys::write_file_atomic(app_directory / name, as_bytes(text), sys::Privacy::owner_only);
}

Status write_scripts(const AppFiles& files)
{
  for (std::size_t i = 0; i < files.init_scripts.size(); ++i)
    TRY(write_script(init_name(i), files.init_scripts[i]));
  if (!files.pre_launch_script.empty()) TRY(write_script(pre_launch_name, files.pre_launch_script));
  if (!files.main_script.empty()) TRY(write_script(main_name, files.main_script));
  return ok();
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
  command.env = with_ours(files.environment, {{"DOCKER_HOST", "unix:///run/docker.sock"},
                                              {"HOME", "/root"},
                                              {"COMPOSE_PROGRESS", "plain"},
                                              {"COMPOSE_ANSI", "never"}});
  command.directory = app_directory;
  return command;
}

} // namespace

Status write_app_files(const AppFiles& files)
{
  const bool fresh = !sys::fs::exists(app_directory);
  TRY(sys::make_directories(app_directory, sys::Privacy::owner_only));
  if (fresh) TRY(bind_mount(app_directory.string(), script_directory));
  TRY(link_host_files());
  TRY(write_scripts(files));
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
  sys::Command command =
      compose(files, {"up", "--detach", "--no-build", "--quiet-pull", "--remove-orphans"});
  if (!files.pre_launch_script.empty()) {
    auto env = std::move(command.env);
    command = shell({pre_launch_name}, command.argv, {});
    command.env = std::move(env);
  }
  const Finished done = TRY(processes.finish(command, {}, up_deadline));
  if (done.state.success()) return ok();
  return fail(Errc::io, "docker compose up {}: {}", done.state.describe(), last_lines(done.tail));
}

Status run_scripts(Processes& processes, const AppFiles& files)
{
  std::vector<std::string> names;
  for (std::size_t i = 0; i < files.init_scripts.size(); ++i)
    names.push_back(init_name(i));
  return run_shell(processes, shell(names, {}, {}));
}

Status run_main_script(Processes& processes, const AppFiles& files)
{
  std::vector<std::string> names;
  if (!files.pre_launch_script.empty()) names.emplace_back(pre_launch_name);
  names.emplace_back(main_name);
  return run_shell(processes, shell(names, {}, files.environment));
}

Status compose_stop(Processes& processes, const AppFiles& files, std::chrono::milliseconds limit)
{
  if (files.compose.empty()) return ok(); // the runner bash
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
