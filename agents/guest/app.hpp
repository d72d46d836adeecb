#pragma once
/// The app: its files, docker compose, and the moment its published ports answer.

#include "guest/docker_wire.hpp"
#include "guest/runtime.hpp"

#include <map>
#include <set>

namespace dstack::guest {

struct AppFiles {
  std::string project;                          ///< compose project name
  std::vector<std::string> init_scripts{};      ///< run in order by one shell
  std::string pre_launch_script{};              ///< "" = none
  std::string main_script{};                    ///< of the runner bash
  std::string compose;                          ///< docker-compose.yaml, as measured
  std::map<std::string, std::string> env_files; ///< relative path -> text
  /// What scripts and compose find in their environment; init scripts do not.
  std::map<std::string, std::string> environment{};
  std::string image_override; ///< compose file in JSON, "" = images are pulled
};

/// Writes the app's files (0600) below /run/dstack/app; an env file may not leave that directory.
Status write_app_files(const AppFiles& files);

/// The init scripts, sourced in order by one bash in the app's directory; the first failure ends
/// it.
Status run_scripts(Processes& processes, const AppFiles& files);
/// The runner bash: pre-launch and main script in one shell, until it ends.
Status run_main_script(Processes& processes, const AppFiles& files);

/// docker compose up, after the pre-launch script and in its shell; an error carries the last lines
/// compose printed.
Status compose_up(Processes& processes, const AppFiles& files);
/// docker compose stop; what has not ended within the limit is left to be killed.
Status compose_stop(Processes& processes, const AppFiles& files, std::chrono::milliseconds limit);

/// Follows the containers after compose up until the app is ready or a container failed; from then
/// on tells of containers that end with an error.
class AppWatch {
public:
  struct Events {
    std::function<void()> ready;             ///< every published TCP port accepts
    std::function<void(std::string)> failed; ///< a container ended with an error before that
    std::function<void(std::string)> died;   ///< the same, later
  };
  AppWatch(
      sys::Loop& loop, Engine& engine, std::string project, std::string address, Events events);
  ~AppWatch();
  AppWatch(const AppWatch&) = delete;
  AppWatch& operator=(const AppWatch&) = delete;
  void start();

private:
  void look();
  void judge(const std::vector<Container>& containers);
  void report_failure(const Container& container);
  void again();
  void follow_deaths();
  void take_events(std::string_view data);

  sys::Loop& loop_;
  Engine& engine_;
  std::string project_;
  std::string address_;
  Events events_;
  std::set<std::uint16_t> answered_;
  std::string event_line_; ///< the part of dockerd's event stream that is no whole line yet
  std::shared_ptr<EngineExchange> exchange_;
  std::optional<sys::Loop::TimerId> timer_;
};

/// What one line of dockerd's event stream says about a container that ended with an error:
/// "service web ended with status 1"; nothing for every other event.
std::optional<std::string> death_in_event(std::string_view line);

/// GET target that lists the project's containers, stopped ones included.
std::string containers_target(std::string_view project);

} // namespace dstack::guest
