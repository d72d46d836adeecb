#pragma once
/// A connected byte stream on the loop: reads as data comes, buffers what the peer does not take.

#include "sys/poll.hpp"

namespace dstack::supervisor {

class Stream {
public:
  struct Hooks {
    std::function<void(ByteView)> data;
    std::function<void()> closed; ///< once; the stream may be destroyed in it
  };
  static Result<std::unique_ptr<Stream>> open(sys::Loop& loop, sys::Fd fd, Hooks hooks);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void send(std::string_view data);
  /// Hands over what has arrived, without waiting for the loop.
  void drain();
  std::size_t unsent() const { return output_.size(); }

private:
  Stream(sys::Loop& loop, sys::Fd fd, Hooks hooks);
  void on_events(std::uint32_t events);
  void flush();
  void watch();
  void close();

  sys::Loop& loop_;
  sys::Fd fd_;
  Hooks hooks_;
  std::string output_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace dstack::supervisor
