#pragma once
/// Reading DNS messages (RFC 1035 4.1): those records that matter for certificates and domains.

#include "base/bytes.hpp"

#include <optional>
#include <vector>

namespace dstack::dns {

inline constexpr std::size_t max_message = 65'535; ///< of a message over TCP (RFC 1035 4.2.2)

/// RFC 1035 3.2.2, 3.2.3; RFC 8659 4; RFC 8945 4.2.
namespace type {
inline constexpr std::uint16_t ns = 2;
inline constexpr std::uint16_t cname = 5;
inline constexpr std::uint16_t soa = 6;
inline constexpr std::uint16_t txt = 16;
inline constexpr std::uint16_t tsig = 250;
inline constexpr std::uint16_t any = 255;
inline constexpr std::uint16_t caa = 257;
} // namespace type

/// RFC 1035 4.1.1, RFC 2136 2.2.
namespace rcode {
inline constexpr unsigned no_error = 0;
inline constexpr unsigned no_such_name = 3;
} // namespace rcode
/// "REFUSED", …; "RCODE 77" for one without a name.
std::string rcode_name(unsigned code);

struct Caa {
  std::uint8_t flags = 0;
  std::string tag{};
  std::string value{};
  bool operator==(const Caa&) const = default;
};

/// Names are in lower case, without the last dot; the root is "".
struct Record {
  std::string name{};
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;              ///< seconds
  std::string host{};                 ///< of NS and CNAME
  std::vector<std::string> strings{}; ///< of TXT: any bytes
  Caa caa{};
};

/// RFC 8945 4.2.
struct Tsig {
  std::size_t offset = 0; ///< of the record in its message
  std::string key_name{};
  std::string algorithm{};
  std::uint64_t time = 0; ///< Unix seconds, 48 bits
  std::uint16_t fudge = 0;
  Bytes mac{};
  std::uint16_t original_id = 0;
  std::uint16_t error = 0;
  Bytes other{};
};

struct Message {
  std::uint16_t id = 0;
  bool is_answer = false;
  bool authoritative = false;
  unsigned opcode = 0;
  unsigned rcode = 0;
  std::vector<Record> answers{};
  std::vector<Record> authority{};
  std::optional<Tsig> tsig{}; ///< only as the last record
};

/// Errc::malformed for a message that is cut, for names with bytes that no host, TXT or key name
/// has ('.' inside a label, controls, blanks), and for bytes after the end.
Result<Message> parse_message(ByteView message);

/// The name on the wire, uncompressed and in lower case. Errc::malformed.
Result<Bytes> wire_name(std::string_view name);

/// The TXT strings at a name, following CNAMEs of the same answer: one text a record.
std::vector<std::string> texts_at(const Message& answer, std::string_view name);

} // namespace dstack::dns
