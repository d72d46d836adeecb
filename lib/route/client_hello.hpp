#pragma once
/// The first message of a TLS connection, read only as far as routing needs it (RFC 8446, 5246,
/// 6066, 7301). It proves nothing: whoever terminates TLS compares what TLS itself found.

#include "base/bytes.hpp"
#include "route/alert.hpp"

#include <optional>
#include <variant>

namespace dstack::route {

/// Bytes of the ClientHello message behind its header of four.
inline constexpr std::size_t max_hello_message = std::size_t{16} << 10U;
/// Bytes on the wire until the ClientHello is whole, with the headers of all its records.
inline constexpr std::size_t max_hello_wire = std::size_t{64} << 10U;

/// What a client asks for.
struct Hello {
  /// Lower case, without the final dot; empty: it named none.
  std::string server_name{};
  /// It named an IP address (RFC 6066 section 3 forbids that), kept as it was written.
  std::string literal_address{};
  std::vector<std::string> alpn{};       ///< as offered, first preferred
  std::vector<std::uint16_t> versions{}; ///< offered, without GREASE; of old clients the newest

  bool offers(std::uint16_t version) const;
  bool offers_protocol(std::string_view name) const;
  bool operator==(const Hello&) const = default;
};

inline constexpr std::uint16_t tls_1_2 = 0x0303;
inline constexpr std::uint16_t tls_1_3 = 0x0304;

/// Values reserved so that nobody comes to rely on their absence (RFC 8701).
constexpr bool is_grease(std::uint16_t value)
{
  return (value & 0x0f0fU) == 0x0a0a && value >> 8U == (value & 0xffU);
}

/// The message alone, without its header of four bytes.
struct Rejection {
  Alert alert = Alert::decode_error;
  std::string reason{}; ///< for logs; may quote the peer, printable
  bool operator==(const Rejection&) const = default;
};
std::variant<Hello, Rejection> parse_client_hello(ByteView message);

/// Takes in what a connection begins with, however it is cut: into reads, records or fragments of
/// the message over records. How it is cut never changes the outcome. Everything taken in is kept,
/// to be handed on to whoever speaks TLS.
class HelloPeeker {
public:
  struct NeedMore {
    bool operator==(const NeedMore&) const = default;
  };
  using Outcome = std::variant<NeedMore, Hello, Rejection>;

  /// Not to be called again once it has returned anything but NeedMore.
  Outcome feed(ByteView bytes);
  const Bytes& bytes() const { return wire_; }
  Bytes take_bytes() { return std::move(wire_); }

private:
  std::optional<Rejection> record_header();
  std::optional<Rejection> fragment();
  std::size_t wanted() const;
  Outcome decide();

  Bytes wire_{};
  std::size_t at_ = 0;        ///< of wire_ taken apart so far
  std::size_t in_record_ = 0; ///< bytes of the record's content still to come
  Bytes message_{};           ///< handshake bytes, headers of records cut out
  bool decided_ = false;
};

} // namespace dstack::route
