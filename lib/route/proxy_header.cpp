#include "route/proxy_header.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <limits>

namespace dstack::route {

namespace {

using Version = ProxyHeader::Version;

constexpr std::string_view v1_magic = "PROXY ";
constexpr std::array<std::uint8_t, 12> v2_magic = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                   0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t v2_fixed = 16;
constexpr std::uint8_t command_local = 0x20;
constexpr std::uint8_t command_proxy = 0x21;
constexpr std::uint8_t tcp4 = 0x11;
constexpr std::uint8_t tcp6 = 0x21;
constexpr std::uint8_t unspecified = 0x00;
constexpr std::uint8_t unix_stream = 0x31;
constexpr std::size_t unix_size = 216;
constexpr std::uint8_t tlv_crc32c = 0x03;
constexpr std::size_t crc_size = 4;

bool begins_like(ByteView data, ByteView magic)
{
  const std::size_t n = std::min(data.size(), magic.size());
  return equal(data.first(n), magic.first(n));
}

/// Decimal without leading zeros.
Result<std::uint16_t> parse_header_port(std::string_view text)
{
  const auto port = parse_u64(text);
  if (!port || *port > std::numeric_limits<std::uint16_t>::max() ||
      (text.size() > 1 && text.front() == '0'))
    return fail(Errc::malformed, "\"{}\" is no port", printable(text));
  return static_cast<std::uint16_t>(*port);
}

Result<Address> parse_of_family(std::string_view text, std::string_view family)
{
  const Address address = TRY(parse_address(text));
  // A mapped address is written as IPv6 and is IPv4; its family is that of the text.
  const bool written_v6 = text.find(':') != std::string_view::npos;
  if (written_v6 != (family == "TCP6"))
    return fail(Errc::malformed, "{} in a {} header", address.text(), family);
  return address;
}

Result<std::optional<ProxyAddresses>> parse_v1(std::string_view line)
{
  const auto words = split(line, ' ');
  const std::string_view family = words.size() > 1 ? words[1] : "";
  if (family == "UNKNOWN") return std::optional<ProxyAddresses>{}; // section 2.1: ignore the rest
  if (family != "TCP4" && family != "TCP6")
    return fail(Errc::malformed, "\"{}\" (want TCP4, TCP6 or UNKNOWN)", printable(family));
  constexpr std::size_t wanted = 6;
  if (words.size() != wanted)
    return fail(Errc::malformed, "{} words (want {})", words.size(), wanted);
  ProxyAddresses out;
  out.source.address = TRY(parse_of_family(words[2], family).within("source"));
  out.destination.address = TRY(parse_of_family(words[3], family).within("destination"));
  out.source.port = TRY(parse_header_port(words[4]).within("source port"));
  out.destination.port = TRY(parse_header_port(words[5]).within("destination port"));
  return std::optional{out};
}

ProxyOutcome read_v1(ByteView data)
{
  const std::string_view text = as_text(data.first(std::min(data.size(), max_proxy_v1)));
  const auto end = text.find('\n');
  if (end == std::string_view::npos) {
    // A CR that nothing but LF may follow, and bytes that no header holds.
    const auto odd = std::find_if(text.begin(), text.end(),
                                  [](char c) { return c != '\r' && (c < ' ' || c > '~'); });
    const auto cr = text.find('\r');
    if (odd != text.end() || (cr != std::string_view::npos && cr + 1 != text.size()))
      return ProxyRefusal{"PROXY v1: bytes that are not text"};
    if (text.size() == max_proxy_v1)
      return ProxyRefusal{fmt::format("PROXY v1: no line end within {} bytes", max_proxy_v1)};
    return ProxyNeedMore{};
  }
  const std::string_view line = text.substr(0, end);
  if (!line.ends_with('\r') ||
      std::any_of(line.begin(), line.end() - 1, [](char c) { return c < ' ' || c > '~'; }))
    return ProxyRefusal{"PROXY v1: bytes that are not text"};
  auto addresses = parse_v1(line.substr(0, line.size() - 1));
  if (!addresses) return ProxyRefusal{"PROXY v1: " + addresses.error().message()};
  return ProxyHeader{Version::v1, *addresses, end + 1};
}

/// CRC-32C (RFC 3720 appendix B.4), bit by bit: headers are short.
std::uint32_t crc32c(ByteView data)
{
  constexpr std::uint32_t reversed_polynomial = 0x82f6'3b78;
  std::uint32_t crc = 0xffff'ffff;
  for (const std::uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? reversed_polynomial : 0);
  }
  return ~crc;
}

/// Section 2.2: a checksum that is there must be right; it is made with zeros in its place.
Status check_crc(ByteView header, std::size_t at)
{
  Bytes copy = to_bytes(header);
  ByteReader value{header.subspan(at, crc_size)};
  const std::uint32_t given = TRY(value.u32be());
  std::fill_n(copy.begin() + static_cast<std::ptrdiff_t>(at), crc_size, std::uint8_t{0});
  if (crc32c(copy) != given) return fail(Errc::malformed, "the checksum is wrong");
  return ok();
}

/// TLVs are not used, but they must be what they say.
Status check_tlvs(ByteView header, std::size_t at)
{
  ByteReader in{header.subspan(at)};
  while (in.remaining() > 0) {
    const std::uint8_t type = TRY(in.u8().within("TLV"));
    const std::size_t size = TRY(in.u16be().within("TLV"));
    const std::size_t value = at + in.offset();
    static_cast<void>(TRY(in.take(size).within("TLV")));
    if (type != tlv_crc32c) continue;
    if (size != crc_size) return fail(Errc::malformed, "a checksum of {} bytes", size);
    TRY(check_crc(header, value));
  }
  return ok();
}

Result<ProxyAddresses> addresses_v4(ByteReader& in)
{
  ProxyAddresses out;
  out.source.address = Address::v4(TRY(in.u32be()));
  out.destination.address = Address::v4(TRY(in.u32be()));
  out.source.port = TRY(in.u16be());
  out.destination.port = TRY(in.u16be());
  return out;
}

Result<ProxyAddresses> addresses_v6(ByteReader& in)
{
  ProxyAddresses out;
  out.source.address = Address::v6(TRY(in.array<16>()));
  out.destination.address = Address::v6(TRY(in.array<16>()));
  out.source.port = TRY(in.u16be());
  out.destination.port = TRY(in.u16be());
  return out;
}

Result<ProxyHeader> parse_v2(ByteView header)
{
  const std::uint8_t command = header[v2_magic.size()];
  const std::uint8_t family = header[v2_magic.size() + 1];
  ProxyHeader out{Version::v2, std::nullopt, header.size()};
  ByteReader in{header};
  static_cast<void>(TRY(in.take(v2_fixed)));
  if (family == tcp4)
    out.addresses = TRY(addresses_v4(in).within("addresses"));
  else if (family == tcp6)
    out.addresses = TRY(addresses_v6(in).within("addresses"));
  else if (family == unix_stream)
    static_cast<void>(TRY(in.take(unix_size).within("addresses")));
  else if (family != unspecified)
    return fail(Errc::unsupported, "address family {:#04x} (want TCP)", family);
  TRY(check_tlvs(header, in.offset()));
  if (command == command_local) out.addresses = std::nullopt;
  return out;
}

ProxyOutcome read_v2(ByteView data)
{
  const std::size_t command_at = v2_magic.size();
  if (data.size() <= command_at) return ProxyNeedMore{};
  const std::uint8_t command = data[command_at];
  if (command != command_local && command != command_proxy)
    return ProxyRefusal{fmt::format("PROXY v2: version and command {:#04x}", command)};
  if (data.size() < v2_fixed) return ProxyNeedMore{};
  const std::size_t size = v2_fixed + (std::size_t{data[14]} << 8U | data[15]);
  if (size > max_proxy_v2)
    return ProxyRefusal{fmt::format("PROXY v2: {} bytes (at most {})", size, max_proxy_v2)};
  if (data.size() < size) return ProxyNeedMore{};
  auto header = parse_v2(data.first(size));
  if (!header) return ProxyRefusal{"PROXY v2: " + header.error().message()};
  return *header;
}

Bytes write_v1(const std::optional<ProxyAddresses>& addresses)
{
  if (!addresses || addresses->source.address.is_v4() != addresses->destination.address.is_v4())
    return to_bytes("PROXY UNKNOWN\r\n");
  const auto& [source, destination] = *addresses;
  return to_bytes(fmt::format("PROXY {} {} {} {} {}\r\n", source.address.is_v4() ? "TCP4" : "TCP6",
                              source.address.text(), destination.address.text(), source.port,
                              destination.port));
}

/// Sixteen bytes of any address: an IPv4 one as IPv4-mapped.
void put_v6(ByteWriter& out, const Address& address)
{
  if (address.is_v4()) out.zeros(10).u16be(0xffff);
  out.put(address.bytes());
}

Bytes write_v2(const std::optional<ProxyAddresses>& addresses)
{
  ByteWriter out;
  out.put(v2_magic);
  if (!addresses) return out.u8(command_local).u8(unspecified).u16be(0).take();
  const auto& [source, destination] = *addresses;
  const bool v4 = source.address.is_v4() && destination.address.is_v4();
  out.u8(command_proxy).u8(v4 ? tcp4 : tcp6).u16be(v4 ? 12 : 36);
  if (v4)
    out.put(source.address.bytes()).put(destination.address.bytes());
  else {
    put_v6(out, source.address);
    put_v6(out, destination.address);
  }
  return out.u16be(source.port).u16be(destination.port).take();
}

} // namespace

ProxyOutcome read_proxy_header(ByteView so_far)
{
  if (so_far.empty()) return ProxyNeedMore{};
  if (begins_like(so_far, as_bytes(v1_magic))) {
    if (so_far.size() < v1_magic.size()) return ProxyNeedMore{};
    return read_v1(so_far);
  }
  if (begins_like(so_far, v2_magic)) return read_v2(so_far);
  return ProxyRefusal{"the connection does not begin with a PROXY header"};
}

Bytes write_proxy_header(Version version, const std::optional<ProxyAddresses>& addresses)
{
  switch (version) {
  case Version::v1:
    return write_v1(addresses);
  case Version::v2:
    return write_v2(addresses);
  }
  bug("no such version");
}

ProxyExpectation expect_proxy_header(const ProxyTrust& trust, const Address& peer)
{
  const bool trusted = std::any_of(trust.peers.begin(), trust.peers.end(),
                                   [&](const Network& network) { return network.contains(peer); });
  return trusted ? ProxyExpectation::required : ProxyExpectation::none;
}

} // namespace dstack::route
