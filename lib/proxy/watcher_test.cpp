#include "proxy/leg.hpp"

#include <array>
#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace dstack::proxy {

namespace {

void ring(int fd)
{
  const std::uint64_t one = 1;
  REQUIRE(::write(fd, &one, sizeof one) == sizeof one);
}

sys::Fd bell()
{
  return sys::Fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
}

} // namespace

TEST_SUITE("proxy watcher")
{
  TEST_CASE("events of a leg that is closed reach nobody, whoever else holds its socket")
  {
    Watcher watcher{sys::Fd{::epoll_create1(EPOLL_CLOEXEC)}};
    std::array<epoll_event, 4> events{};
    Leg first;
    first.fd = bell();
    REQUIRE(watcher.watch(first, first.fd.get(), EPOLLIN | EPOLLET));
    ring(first.fd.get());
    REQUIRE(watcher.wait(events, 0) == 1);
    CHECK(watcher.leg_of(events[0]) == &first);

    const sys::Fd held{::dup(first.fd.get())}; // as by a program that is being started
    const std::uint32_t number = first.slot;
    first.close();
    ring(held.get());
    REQUIRE(watcher.wait(events, 0) == 1); // epoll still tells of it
    CHECK(watcher.leg_of(events[0]) == nullptr);

    Leg second;
    second.fd = bell();
    REQUIRE(watcher.watch(second, second.fd.get(), EPOLLIN | EPOLLET));
    REQUIRE(second.slot == number);
    ring(held.get());
    REQUIRE(watcher.wait(events, 0) == 1);
    CHECK(watcher.leg_of(events[0]) == nullptr);
    ring(second.fd.get());
    REQUIRE(watcher.wait(events, 0) == 1);
    CHECK(watcher.leg_of(events[0]) == &second);
  }

  TEST_CASE("what the system does not take is not watched")
  {
    Watcher watcher{sys::Fd{::epoll_create1(EPOLL_CLOEXEC)}};
    Leg leg;
    CHECK_FALSE(watcher.watch(leg, -1, EPOLLIN));
    CHECK(leg.watcher == nullptr);
    leg.fd = bell();
    CHECK(watcher.watch(leg, leg.fd.get(), EPOLLIN));
    CHECK(leg.watcher == &watcher);
  }

  TEST_CASE("asking for other events keeps the leg's number")
  {
    Watcher watcher{sys::Fd{::epoll_create1(EPOLL_CLOEXEC)}};
    std::array<epoll_event, 4> events{};
    Leg leg;
    leg.fd = bell();
    REQUIRE(watcher.watch(leg, leg.fd.get(), 0));
    ring(leg.fd.get());
    CHECK(watcher.wait(events, 0) == 0);
    REQUIRE(watcher.watch(leg, leg.fd.get(), EPOLLIN));
    REQUIRE(watcher.wait(events, 0) == 1);
    CHECK(watcher.leg_of(events[0]) == &leg);
  }
}

} // namespace dstack::proxy
