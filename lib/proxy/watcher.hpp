#pragma once
/// The sockets that one epoll tells of, by numbers that are never given twice: what it still tells
/// of a socket that was closed finds nothing. It can: a program that is being started holds our
/// sockets too until it runs, and events that were fetched together are handled one by one.

#include "sys/fd.hpp"

#include <sys/epoll.h>
#include <vector>

namespace dstack::proxy {

struct Leg;

class Watcher {
public:
  explicit Watcher(sys::Fd epoll) : epoll_(std::move(epoll)) {}

  /// Tells of these events of the descriptor, instead of those asked for before. False: the system
  /// has no room.
  bool watch(Leg& leg, int fd, std::uint32_t events);
  /// The descriptor is about to be closed, which takes it from epoll.
  void forget(Leg& leg);
  /// epoll_wait.
  int wait(std::span<epoll_event> events, int timeout_ms) const;
  /// nullptr: it was closed since.
  Leg* leg_of(const epoll_event& event) const;

private:
  struct Slot {
    Leg* leg = nullptr;
    std::uint32_t uses = 0;
  };

  sys::Fd epoll_;
  std::vector<Slot> slots_{};
  std::vector<std::uint32_t> free_{};
};

} // namespace dstack::proxy
