#pragma once
/// One socket of a connection, watched for edges: what is known of it is kept until a call proves
/// otherwise.

#include "base/bytes.hpp"
#include "proxy/watcher.hpp"

namespace dstack::proxy {

class Connection;

enum class Io : std::uint8_t { done, blocked, ended, failed };

struct Leg {
  Leg() = default;
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;
  ~Leg() { close(); }

  Connection* owner = nullptr;
  sys::Fd fd{};
  bool readable = false;
  bool writable = false;
  bool hung_up = false;       ///< the other side sends no more; there may be bytes before its end
  bool reset = false;         ///< an error was met
  Watcher* watcher = nullptr; ///< whose epoll knows it
  std::uint32_t slot = 0;     ///< by this number there
  bool watched_for_room = false; ///< for more than bytes to read

  void close();
  /// What epoll reported.
  void note(std::uint32_t events);
  /// Up to room.size() bytes; count is set when Io::done.
  Io receive(std::span<std::uint8_t> room, std::size_t& count);
  /// As many bytes as the kernel takes; Io::blocked when it took fewer than all.
  Io send(ByteView bytes, std::size_t& count);
  void end_sending() const;
  /// Closing it will tell the other side that it was broken off, and drop what is on the way there.
  void reset_on_close() const;
  /// The connection is broken, as far as the kernel knows; a side that only sends no more is not.
  bool broken() const;
  /// The other side has not acknowledged all that was sent, and still can.
  bool has_unacknowledged() const;
};

} // namespace dstack::proxy
