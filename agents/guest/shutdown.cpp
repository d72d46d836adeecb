#include "guest/shutdown.hpp"

#include "guest/console.hpp"
#include "guest/data_disk.hpp"

#include <cerrno>
#include <csignal>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr const char* program = "dstack-guest";
constexpr std::chrono::milliseconds container_limit{25'000};
constexpr std::chrono::milliseconds daemon_limit{10'000};

void tell(HostLink& host, std::string_view text)
{
  console_stage(program, text);
  host.notify("shutdown.progress", text);
}

void report(std::string_view what, const Status& status)
{
  if (!status) console_stage(program, fmt::format("{}: {}", what, status.error().message()));
}

/// Waits for all children, at most for the time given.
void wait_for_children(std::chrono::milliseconds limit)
{
  constexpr std::chrono::milliseconds step{20};
  for (auto waited = step; waited <= limit; waited += step) {
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (pid < 0 && errno == ECHILD) return;
    ::usleep(static_cast<useconds_t>(step.count() * 1000));
  }
}

void end_everything()
{
  ::kill(-1, SIGTERM);
  wait_for_children(std::chrono::milliseconds{2000});
  ::kill(-1, SIGKILL);
  wait_for_children(std::chrono::milliseconds{2000});
}

} // namespace

void shut_down(HostLink& host, Processes& processes, Runtime& runtime, const AppFiles& app)
{
  tell(host, "stopping containers");
  report("stop the app", compose_stop(processes, app, container_limit));
  runtime.stop(daemon_limit);
  tell(host, "closing the data disk");
  end_everything();
  for (const char* bound : {"/var/lib/docker", "/var/lib/containerd"})
    ::umount2(bound, 0);
  report("data disk", close_data_disk(processes));
  host.notify_surely("shutdown.progress", "powering off", std::chrono::milliseconds{2000});
  console_stage(program, "powering off");
  power_off();
}

void power_off_now()
{
  end_everything();
  for (const char* mounted : {"/var/lib/docker", "/var/lib/containerd", data_mount_point})
    ::umount2(mounted, MNT_DETACH);
  power_off();
}

} // namespace dstack::guest
