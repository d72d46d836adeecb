#pragma once
/// Pipes that bytes go through from one socket to another without being copied to us (splice(2)).

#include "proxy/leg.hpp"

#include <memory>

namespace dstack::proxy {

class Pipe {
public:
  static Result<std::unique_ptr<Pipe>> create();
  std::size_t held() const { return held_; }
  /// Io::done: count bytes came in.
  Io fill(Leg& from, std::size_t& count);
  /// Io::done: the pipe is empty. count: bytes that went out, in any case.
  Io drain(Leg& to, std::size_t& count);

private:
  explicit Pipe(sys::Pipe pipe) : pipe_(std::move(pipe)) {}
  sys::Pipe pipe_;
  std::size_t held_ = 0;
};

/// Empty pipes, kept for the next who needs one.
class PipePool {
public:
  /// nullptr: the system has none to give.
  std::unique_ptr<Pipe> take();
  /// One that holds bytes is destroyed.
  void give_back(std::unique_ptr<Pipe> pipe);

private:
  std::vector<std::unique_ptr<Pipe>> idle_{};
};

} // namespace dstack::proxy
