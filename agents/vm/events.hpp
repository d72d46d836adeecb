#pragma once
/// events.jsonl and those who follow it.

#include "codec/json.hpp"
#include "net/http_server.hpp"
#include "sys/files.hpp"

namespace dstack::supervisor {

class Events {
public:
  static Result<Events> open(const std::filesystem::path& path);

  /// Appends {"at","event","payload"} and tells the followers.
  void add(std::string_view event, std::string_view payload);
  /// Everything so far, then what comes, until the follower goes or end() is called.
  void follow(const net::Responder& follower);
  /// Everything so far.
  Result<std::string> history() const;
  /// No more events: followers get the end of their streams.
  void end();

private:
  explicit Events(std::filesystem::path path, sys::Fd fd)
      : path_(std::move(path)), fd_(std::move(fd))
  {
  }
  std::filesystem::path path_;
  sys::Fd fd_;
  std::vector<net::Responder> followers_;
};

} // namespace dstack::supervisor
