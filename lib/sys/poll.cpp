#include "sys/poll.hpp"

#include "sys/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace dstack::sys {

namespace {

constexpr int max_wait_ms = 60'000;

epoll_event event_for(int fd, std::uint32_t events)
{
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return event;
}

} // namespace

Result<std::unique_ptr<Loop>> Loop::create()
{
  Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return errno_error("epoll_create1");
  return std::unique_ptr<Loop>{new Loop{std::move(epoll)}};
}

Status Loop::watch(int fd, std::uint32_t events, Handler handler)
{
  epoll_event event = event_for(fd, events);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return errno_error("epoll add");
  handlers_[fd] = std::make_shared<Handler>(std::move(handler));
  return ok();
}

Status Loop::change(int fd, std::uint32_t events)
{
  epoll_event event = event_for(fd, events);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) return errno_error("epoll modify");
  return ok();
}

void Loop::forget(int fd)
{
  if (handlers_.erase(fd) != 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Loop::TimerId Loop::after(std::chrono::milliseconds delay, std::function<void()> action)
{
  const TimerId id = next_timer_++;
  const std::int64_t due = monotonic_ms() + delay.count();
  timers_[id] = Timer{due, std::move(action)};
  due_.emplace(due, id);
  return id;
}

void Loop::cancel(TimerId id)
{
  const auto at = timers_.find(id);
  if (at == timers_.end()) return;
  due_.erase({at->second.due_ms, id});
  timers_.erase(at);
}

Status Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler)
{
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals)
    sigaddset(&set, signal);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return errno_error("sigprocmask");
  if (signals_) forget(signals_.get());
  signals_ = Fd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals_) return errno_error("signalfd");
  const int fd = signals_.get();
  return watch(fd, EPOLLIN, [fd, handler = std::move(handler)](std::uint32_t) {
    signalfd_siginfo info{};
    while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
      handler(static_cast<int>(info.ssi_signo));
  });
}

int Loop::next_wait_ms() const
{
  if (due_.empty()) return max_wait_ms;
  const std::int64_t wait = due_.begin()->first - monotonic_ms();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, max_wait_ms));
}

void Loop::fire_timers()
{
  const std::int64_t now_ms = monotonic_ms();
  // A timer that an action starts is not of this round, even when it is due at once.
  const TimerId first_new = next_timer_;
  auto next = due_.begin();
  while (next != due_.end() && next->first <= now_ms) {
    if (next->second >= first_new) {
      ++next;
      continue;
    }
    const TimerId id = next->second;
    const auto action = std::move(timers_.find(id)->second.action);
    cancel(id);
    action();
    next = due_.begin(); // the action may have changed anything
  }
}

Status Loop::run()
{
  std::array<epoll_event, 64> events{};
  while (!stopping_) {
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), next_wait_ms());
    if (count < 0 && errno != EINTR) return errno_error("epoll_wait");
    for (int i = 0; i < count && !stopping_; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const auto at = handlers_.find(event.data.fd);
      if (at == handlers_.end()) continue; // forgotten by an earlier handler
      const std::shared_ptr<Handler> handler = at->second;
      (*handler)(event.events);
    }
    fire_timers();
  }
  stopping_ = false;
  return ok();
}

} // namespace dstack::sys
