#include "route/client_hello.hpp"

#include "base/text.hpp"
#include "route/host_name.hpp"

#include <algorithm>

namespace dstack::route {

namespace {

constexpr std::uint8_t handshake_record = 22;
constexpr std::uint8_t client_hello_type = 1;
constexpr std::uint8_t tls_major = 3;
constexpr std::uint8_t ssl2_length = 0x80; ///< high byte of the length of an SSL 2.0 ClientHello
constexpr std::size_t record_header_size = 5;
constexpr std::size_t message_header_size = 4;
constexpr std::size_t max_fragment = std::size_t{1} << 14U;
constexpr std::size_t random_size = 32;
constexpr std::size_t max_session_id = 32;

constexpr std::uint16_t server_name_extension = 0;
constexpr std::uint16_t alpn_extension = 16;
constexpr std::uint16_t versions_extension = 43;

/// Inside this file an error's code is the alert: two kinds are enough.
Error decode_error(std::string_view what)
{
  return fail(Errc::malformed, "{}", what);
}
Error illegal(std::string_view what)
{
  return fail(Errc::denied, "{}", what);
}

/// A vector with its length in one or two bytes before it (RFC 8446 3.4).
Result<ByteView> vector8(ByteReader& in)
{
  const std::size_t size = TRY(in.u8());
  return in.take(size);
}
Result<ByteView> vector16(ByteReader& in)
{
  const std::size_t size = TRY(in.u16be());
  return in.take(size);
}

Status take_name(ByteView name, Hello& hello)
{
  const std::string_view text = as_text(name);
  switch (kind_of(text)) {
  case NameKind::dns:
    hello.server_name = TRY(host_name(text));
    return ok();
  case NameKind::address:
    hello.literal_address = std::string{text};
    return ok();
  case NameKind::malformed:
    break;
  }
  constexpr std::size_t shown = 64;
  return illegal(fmt::format("\"{}\" is no host name", printable(text.substr(0, shown))));
}

/// RFC 6066 section 3. The one known type of name is host_name.
Status server_names(ByteView value, Hello& hello)
{
  ByteReader whole{value};
  ByteReader list{TRY(vector16(whole))};
  TRY(whole.finish());
  if (list.remaining() == 0) return decode_error("an empty list");
  bool named = false;
  while (list.remaining() > 0) {
    const std::uint8_t type = TRY(list.u8());
    const ByteView name = TRY(vector16(list));
    if (type != 0) continue;
    if (name.empty()) return decode_error("an empty name");
    if (named) return illegal("two host names");
    named = true;
    TRY(take_name(name, hello));
  }
  return ok();
}

/// RFC 7301 section 3.1.
Status protocols(ByteView value, Hello& hello)
{
  ByteReader whole{value};
  ByteReader list{TRY(vector16(whole))};
  TRY(whole.finish());
  if (list.remaining() == 0) return decode_error("an empty list");
  while (list.remaining() > 0) {
    const ByteView name = TRY(vector8(list));
    if (name.empty()) return decode_error("an empty name");
    hello.alpn.push_back(to_text(name));
  }
  return ok();
}

/// RFC 8446 4.2.1.
Status versions(ByteView value, Hello& hello)
{
  ByteReader whole{value};
  ByteReader list{TRY(vector8(whole))};
  TRY(whole.finish());
  if (list.remaining() == 0) return decode_error("an empty list");
  hello.versions.clear();
  while (list.remaining() > 0) {
    const std::uint16_t version = TRY(list.u16be());
    if (!is_grease(version)) hello.versions.push_back(version);
  }
  return ok();
}

Status extension(std::uint16_t type, ByteView value, Hello& hello)
{
  if (type == server_name_extension) return server_names(value, hello).within("server_name");
  if (type == alpn_extension) return protocols(value, hello).within("ALPN");
  if (type == versions_extension) return versions(value, hello).within("supported_versions");
  return ok();
}

Status extensions(ByteView block, Hello& hello)
{
  ByteReader in{block};
  std::vector<std::uint16_t> seen;
  while (in.remaining() > 0) {
    const std::uint16_t type = TRY(in.u16be());
    const ByteView value = TRY(vector16(in));
    seen.push_back(type);
    TRY(extension(type, value, hello));
  }
  std::sort(seen.begin(), seen.end());
  const auto twice = std::adjacent_find(seen.begin(), seen.end());
  if (twice != seen.end()) return illegal(fmt::format("extension {} twice", *twice));
  return ok();
}

Result<Hello> read(ByteView message)
{
  ByteReader in{message};
  Hello hello;
  hello.versions.push_back(TRY(in.u16be().within("version")));
  static_cast<void>(TRY(in.take(random_size).within("random")));
  const ByteView session = TRY(vector8(in).within("session id"));
  if (session.size() > max_session_id) return decode_error("session id of more than 32 bytes");
  const ByteView suites = TRY(vector16(in).within("cipher suites"));
  if (suites.empty() || suites.size() % 2 != 0) return decode_error("cipher suites cut off");
  if (TRY(vector8(in).within("compression methods")).empty())
    return decode_error("no compression method");
  if (in.remaining() == 0) return hello; // before TLS 1.2 there may be no extensions at all
  const ByteView block = TRY(vector16(in).within("extensions"));
  TRY(in.finish());
  TRY(extensions(block, hello));
  return hello;
}

} // namespace

bool Hello::offers(std::uint16_t version) const
{
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

bool Hello::offers_protocol(std::string_view name) const
{
  return std::find(alpn.begin(), alpn.end(), name) != alpn.end();
}

std::variant<Hello, Rejection> parse_client_hello(ByteView message)
{
  auto hello = read(message);
  if (hello) return *std::move(hello);
  const Alert alert =
      hello.error().code() == Errc::denied ? Alert::illegal_parameter : Alert::decode_error;
  return Rejection{alert, "ClientHello: " + hello.error().message()};
}

std::optional<Rejection> HelloPeeker::record_header()
{
  const ByteView header = ByteView{wire_}.subspan(at_);
  // Judged byte by byte: whoever does not speak TLS may wait for our answer before sending more.
  if (header[0] != handshake_record) {
    if (!message_.empty())
      return Rejection{Alert::unexpected_message,
                       fmt::format("a record of type {} inside the ClientHello", int{header[0]})};
    const Alert alert =
        header[0] == ssl2_length ? Alert::protocol_version : Alert::unexpected_message;
    return Rejection{alert, fmt::format("the first byte is {:#04x}: not TLS", header[0])};
  }
  if (header.size() > 1 && header[1] != tls_major)
    return Rejection{Alert::protocol_version, fmt::format("a record of SSL {}", int{header[1]})};
  if (header.size() < record_header_size) return std::nullopt;
  in_record_ = std::size_t{header[3]} << 8U | header[4];
  if (in_record_ == 0)
    return Rejection{Alert::unexpected_message, "a handshake record without content"};
  if (in_record_ > max_fragment)
    return Rejection{Alert::record_overflow, fmt::format("a record of {} bytes", in_record_)};
  at_ += record_header_size;
  return std::nullopt;
}

/// Bytes of the message with its header, as far as they are known.
std::size_t HelloPeeker::wanted() const
{
  if (message_.size() < message_header_size) return message_header_size;
  return message_header_size +
         (std::size_t{message_[1]} << 16U | std::size_t{message_[2]} << 8U | message_[3]);
}

std::optional<Rejection> HelloPeeker::fragment()
{
  // Never beyond the message: what a record holds behind it is not ours to judge.
  const std::size_t n = std::min({in_record_, wire_.size() - at_, wanted() - message_.size()});
  const auto from = wire_.begin() + static_cast<std::ptrdiff_t>(at_);
  message_.insert(message_.end(), from, from + static_cast<std::ptrdiff_t>(n));
  at_ += n;
  in_record_ -= n;
  if (message_[0] != client_hello_type)
    return Rejection{Alert::unexpected_message,
                     fmt::format("handshake message {} (want a ClientHello)", int{message_[0]})};
  if (wanted() > message_header_size + max_hello_message)
    return Rejection{Alert::illegal_parameter,
                     fmt::format("a ClientHello of {} bytes (at most {})",
                                 wanted() - message_header_size, max_hello_message)};
  if (at_ > max_hello_wire)
    return Rejection{Alert::illegal_parameter,
                     fmt::format("a ClientHello in more than {} bytes", max_hello_wire)};
  return std::nullopt;
}

HelloPeeker::Outcome HelloPeeker::feed(ByteView bytes)
{
  DSTACK_ASSERT(!decided_);
  wire_.insert(wire_.end(), bytes.begin(), bytes.end());
  while (at_ < wire_.size()) {
    const std::size_t before = at_;
    const auto refused = in_record_ == 0 ? record_header() : fragment();
    decided_ = refused || message_.size() == wanted();
    if (refused) return *refused;
    if (decided_) return decide();
    if (at_ == before) break; // the header of a record is not whole yet
  }
  return NeedMore{};
}

HelloPeeker::Outcome HelloPeeker::decide()
{
  const Bytes message = std::exchange(message_, {});
  auto read = parse_client_hello(ByteView{message}.subspan(message_header_size));
  if (auto* hello = std::get_if<Hello>(&read)) return std::move(*hello);
  return std::get<Rejection>(std::move(read));
}

} // namespace dstack::route
