#include "net/wait.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <poll.h>

namespace dstack::net {

Status wait_for(int fd, short events, const sys::Deadline& deadline)
{
  constexpr std::int64_t longest_wait_ms = std::numeric_limits<int>::max();
  while (true) {
    pollfd wait{fd, events, 0};
    const auto left = std::min<std::int64_t>(deadline.left().count(), longest_wait_ms);
    const int ready = ::poll(&wait, 1, static_cast<int>(left));
    if (ready > 0) return ok();
    if (ready == 0) return fail(Errc::timeout, "no answer in time");
    if (errno != EINTR) return sys::errno_error("poll");
  }
}

} // namespace dstack::net
