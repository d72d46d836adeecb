#include "sys/watch.hpp"

#include <array>
#include <climits>
#include <cstring>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <vector>

namespace dstack::sys {

Result<std::unique_ptr<DirectoryWatch>>
DirectoryWatch::create(Loop& loop, const fs::path& directory, Changed changed)
{
  Fd fd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!fd) return errno_error("inotify");
  constexpr std::uint32_t events =
      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
  if (::inotify_add_watch(fd.get(), directory.c_str(), events) < 0)
    return errno_error(fmt::format("watch {}", directory.string()));
  std::unique_ptr<DirectoryWatch> out{new DirectoryWatch{loop, std::move(fd), std::move(changed)}};
  TRY(loop.watch(out->fd_.get(), EPOLLIN, [self = out.get()](std::uint32_t) { self->read(); }));
  return out;
}

DirectoryWatch::~DirectoryWatch()
{
  loop_.forget(fd_.get());
}

void DirectoryWatch::read()
{
  std::array<char, 16 * (sizeof(inotify_event) + NAME_MAX + 1)> buffer{};
  const ssize_t size = ::read(fd_.get(), buffer.data(), buffer.size());
  if (size <= 0) return;
  const auto changed = changed_; // it may end the watch
  std::vector<std::string> names;
  for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const char* name = buffer.data() + at + sizeof event;
    at += sizeof event + event.len;
    const bool lost = (event.mask & (IN_Q_OVERFLOW | IN_IGNORED)) != 0U;
    names.emplace_back(lost || event.len == 0 ? "" : name);
  }
  for (const std::string& name : names)
    changed(name);
}

} // namespace dstack::sys
