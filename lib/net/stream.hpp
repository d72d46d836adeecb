#pragma once
/// The socket of one connection, plain or under TLS. Nothing here blocks, whatever the descriptor's
/// mode. Not for use outside net.

#include "net/tls.hpp"

#include <span>

namespace dstack::net {

enum class Io {
  done,
  wait_in,  ///< again when the socket can be read
  wait_out, ///< again when it can be written
  ended,    ///< the peer said that nothing more comes
  failed
};

struct IoStep {
  Io outcome = Io::failed;
  std::size_t count = 0; ///< bytes, when done
};

/// A read of this many bytes leaves nothing behind that epoll would not tell of: it is the most
/// that a TLS record holds (RFC 8446 5.1).
inline constexpr std::size_t stream_read_size = std::size_t{16} << 10U;

class TlsSession;

class Stream {
public:
  explicit Stream(sys::Fd plain);
  Stream(sys::Fd socket, std::unique_ptr<TlsSession> tls);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  int fd() const { return fd_.get(); }
  void reset(); ///< closes the descriptor
  /// Of TLS, until done; without TLS done at once.
  IoStep handshake();
  bool established() const { return established_; }
  /// At least stream_read_size bytes of room.
  IoStep read(std::span<std::uint8_t> room);
  IoStep write(std::string_view data);
  /// Tells the peer that nothing more comes; what it sends can still be read.
  IoStep finish();
  /// Reads what is there and throws it away, undeciphered.
  IoStep discard();
  TlsSession* tls() const { return tls_.get(); }

private:
  sys::Fd fd_;
  std::unique_ptr<TlsSession> tls_;
  bool established_ = true;
};

} // namespace dstack::net
