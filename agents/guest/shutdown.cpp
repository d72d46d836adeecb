#include "guest/shutdown.hpp"

#include "guest/swap.hpp"

#include "base/text.hpp"
#include "guest/console.hpp"
#include "guest/data_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::chrono::milliseconds container_limit{25'000};
constexpr std::chrono::milliseconds daemon_limit{10'000};

void tell(HostLink& host, std::string_view text)
{
  console_stage(guest_name, text);
  host.notify("shutdown.progress", text);
}

void report(std::string_view what, const Status& status)
{
  if (!status) console_stage(guest_name, fmt::format("{}: {}", what, status.error().message()));
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

/// Everything mounted at or below the places that keep the data disk busy, innermost first: a
/// daemon that died leaves the mounts of its containers behind.
void unmount_data_users()
{
  constexpr std::size_t max_mounts = std::size_t{4} << 20U;
  const auto mounts = sys::read_text("/proc/mounts", max_mounts);
  if (!mounts) return;
  std::vector<std::string> points;
  for (const std::string_view line : split(*mounts, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() > 1) points.emplace_back(words[1]);
  }
  std::reverse(points.begin(), points.end());
  for (const std::string& point : points)
    for (const std::string_view root : {"/var/lib/docker", "/run/docker", "/run/containerd"})
      if (point == root || point.starts_with(fmt::format("{}/", root)))
        ::umount2(point.c_str(), MNT_DETACH);
}

} // namespace

void shut_down(HostLink& host, Processes& processes, Runtime& runtime, const AppFiles& app)
{
  tell(host, "stopping containers");
  report("stop the app", compose_stop(processes, app, container_limit));
  runtime.stop(daemon_limit);
  tell(host, "closing the data disk");
  end_everything();
  unmount_data_users();
  report("swap", stop_swap(data_mount_point));
  report("data disk", close_data_disk(processes));
  host.notify_surely("shutdown.progress", "powering off", std::chrono::milliseconds{2000});
  console_stage(guest_name, "powering off");
  power_off();
}

void power_off_now()
{
  end_everything();
  unmount_data_users();
  ::umount2(data_mount_point, MNT_DETACH);
  power_off();
}

} // namespace dstack::guest
