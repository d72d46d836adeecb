#pragma once
/// Changes of files, told by the kernel (inotify).

#include "sys/files.hpp"
#include "sys/poll.hpp"

namespace dstack::sys {

/// Watches a directory for files that were written, replaced, added or removed. Many changes of one
/// name may be told once or often.
class DirectoryWatch {
public:
  using Changed = std::function<void(const std::string& name)>; ///< empty name: anything may have

  /// Called on the loop's thread; the loop must outlive the watch.
  static Result<std::unique_ptr<DirectoryWatch>>
  create(Loop& loop, const fs::path& directory, Changed changed);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

private:
  DirectoryWatch(Loop& loop, Fd fd, Changed changed)
      : loop_(loop), fd_(std::move(fd)), changed_(std::move(changed))
  {
  }
  void read();

  Loop& loop_;
  Fd fd_;
  Changed changed_;
};

} // namespace dstack::sys
