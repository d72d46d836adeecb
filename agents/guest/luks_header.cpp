#include "guest/luks_header.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

using codec::Json;

constexpr std::size_t binary_size = 4096;
constexpr std::size_t magic_size = 6;
constexpr std::array<std::string_view, 2> magics{"LUKS\xba\xbe", "SKUL\xba\xbe"};
constexpr std::string_view cipher = "aes-xts-plain64";
constexpr std::uint64_t key_size = 64;
constexpr std::uint64_t stripes = 4000;
constexpr std::uint64_t sector_size = 512;

Status need_zero(ByteReader& in, std::size_t size, std::string_view name)
{
  if (!all_zero(TRY(in.take(size).within("{}", name))))
    return fail(Errc::untrusted, "{} is not empty", name);
  return ok();
}

/// The fixed part of one copy; returns the size of binary and JSON area together.
Result<std::uint64_t> check_binary(ByteView start, std::uint64_t offset, std::string_view magic)
{
  ByteReader in{start.subspan(std::min<std::size_t>(offset, start.size()))};
  if (as_text(TRY(in.take(magic_size).within("magic"))) != magic)
    return fail(Errc::untrusted, "magic is missing");
  const std::uint16_t version = TRY(in.u16be().within("version"));
  if (version != 2) return fail(Errc::untrusted, "version {} (want 2)", version);
  const std::uint64_t size = TRY(in.u64be().within("hdr_size"));
  if (size < binary_size || size > luks_data_offset)
    return fail(Errc::untrusted, "hdr_size {} (want {} to {})", size, binary_size,
                luks_data_offset);
  TRY(in.take(8).within("seqid"));
  TRY(need_zero(in, 48, "label"));
  constexpr std::string_view checksum{"sha256\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                      32};
  if (as_text(TRY(in.take(checksum.size()).within("csum_alg"))) != checksum)
    return fail(Errc::untrusted, "csum_alg is not sha256");
  TRY(in.take(64 + 40).within("salt and uuid"));
  TRY(need_zero(in, 48, "subsystem"));
  const std::uint64_t own_offset = TRY(in.u64be().within("hdr_offset"));
  if (own_offset != offset)
    return fail(Errc::untrusted, "hdr_offset {} (want {})", own_offset, offset);
  return size;
}

/// An object with exactly these members, in any order.
Result<const Json*>
object_of(const Json& parent, std::string_view key, std::initializer_list<std::string_view> members)
{
  const Json* object = TRY(parent.need_object(key));
  for (const auto& [name, value] : object->members())
    if (std::find(members.begin(), members.end(), name) == members.end())
      return fail(Errc::untrusted, "{} has a member \"{}\"", key, printable(name));
  for (const std::string_view name : members)
    if (object->find(name) == nullptr)
      return fail(Errc::untrusted, "{} lacks the member \"{}\"", key, name);
  return object;
}

Status need_text(const Json& object, std::string_view key, std::string_view want)
{
  const std::string is = TRY(object.need_string(key));
  if (is == want) return ok();
  return fail(Errc::untrusted, "{} is \"{}\" (want \"{}\")", key, printable(is), want);
}

Status need_number(const Json& object, std::string_view key, std::uint64_t want)
{
  const std::uint64_t is = TRY(object.need_u64(key));
  if (is == want) return ok();
  return fail(Errc::untrusted, "{} is {} (want {})", key, is, want);
}

/// LUKS2 writes 64-bit numbers as decimal strings.
Result<std::uint64_t> number_text(const Json& object, std::string_view key)
{
  const std::string text = TRY(object.need_string(key));
  return parse_u64(text).within("{}", key);
}

Status check_area(const Json& keyslot, std::uint64_t header_size)
{
  const Json& area =
      *TRY(object_of(keyslot, "area", {"type", "offset", "size", "encryption", "key_size"}));
  TRY(need_text(area, "type", "raw"));
  TRY(need_text(area, "encryption", cipher));
  TRY(need_number(area, "key_size", key_size));
  const std::uint64_t offset = TRY(number_text(area, "offset"));
  const std::uint64_t size = TRY(number_text(area, "size"));
  if (offset < 2 * header_size || offset > luks_data_offset || size > luks_data_offset - offset)
    return fail(Errc::untrusted, "area of {} bytes at {} is not between {} and {}", size, offset,
                2 * header_size, luks_data_offset);
  return ok();
}

Status check_keyslot(const Json& root, std::uint64_t header_size)
{
  const Json& slots = *TRY(object_of(root, "keyslots", {"0"}));
  const Json& slot = *TRY(object_of(slots, "0", {"type", "key_size", "af", "area", "kdf"}));
  TRY(need_text(slot, "type", "luks2"));
  TRY(need_number(slot, "key_size", key_size));
  TRY(check_area(slot, header_size));
  const Json& af = *TRY(object_of(slot, "af", {"type", "stripes", "hash"}));
  TRY(need_text(af, "type", "luks1"));
  TRY(need_text(af, "hash", "sha256"));
  TRY(need_number(af, "stripes", stripes));
  const Json& kdf = *TRY(object_of(slot, "kdf", {"type", "hash", "iterations", "salt"}));
  TRY(need_text(kdf, "type", "pbkdf2"));
  return need_text(kdf, "hash", "sha256");
}

Status check_segment(const Json& root)
{
  const Json& segments = *TRY(object_of(root, "segments", {"0"}));
  const Json& segment = *TRY(object_of(
      segments, "0", {"type", "offset", "size", "iv_tweak", "encryption", "sector_size"}));
  TRY(need_text(segment, "type", "crypt"));
  TRY(need_text(segment, "offset", std::to_string(luks_data_offset)));
  TRY(need_text(segment, "size", "dynamic"));
  TRY(need_text(segment, "iv_tweak", "0"));
  TRY(need_text(segment, "encryption", cipher));
  return need_number(segment, "sector_size", sector_size);
}

Status need_only_zero(const Json& object, std::string_view key)
{
  const std::vector<std::string> is = TRY(object.get_strings(key));
  if (is == std::vector<std::string>{"0"}) return ok();
  return fail(Errc::untrusted, "{} is not [\"0\"]", key);
}

Status check_digest(const Json& root)
{
  const Json& digests = *TRY(object_of(root, "digests", {"0"}));
  const Json& digest = *TRY(object_of(
      digests, "0", {"type", "keyslots", "segments", "hash", "iterations", "salt", "digest"}));
  TRY(need_text(digest, "type", "pbkdf2"));
  TRY(need_text(digest, "hash", "sha256"));
  TRY(need_only_zero(digest, "keyslots"));
  return need_only_zero(digest, "segments");
}

Status check_json(ByteView area, std::uint64_t header_size)
{
  const auto end = std::find(area.begin(), area.end(), std::uint8_t{0});
  if (end == area.end()) return fail(Errc::untrusted, "JSON without an end");
  const std::string_view text = as_text(area.first(static_cast<std::size_t>(end - area.begin())));
  constexpr codec::JsonLimits limits{std::size_t{1} << 20U, 8, 1000};
  const Json root = TRY(codec::parse_json(text, limits));
  if (!root.is_object()) return fail(Errc::untrusted, "JSON is no object");
  Json document;
  document.set("header", root);
  TRY(object_of(document, "header", {"keyslots", "tokens", "segments", "digests", "config"}));
  TRY(object_of(root, "tokens", {}));
  TRY(object_of(root, "config", {"json_size", "keyslots_size"}));
  TRY(check_keyslot(root, header_size).within("keyslot"));
  TRY(check_segment(root).within("segment"));
  return check_digest(root).within("digest");
}

Status check_copy(ByteView start, std::uint64_t offset, std::string_view magic)
{
  const std::uint64_t size = TRY(check_binary(start, offset, magic));
  if (offset > start.size() || size > start.size() - offset)
    return fail(Errc::untrusted, "{} bytes of header at {}, {} at hand", size, offset,
                start.size());
  const ByteView copy = start.subspan(offset, size);
  return check_json(copy.subspan(binary_size), size);
}

} // namespace

bool all_zero(ByteView bytes)
{
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool has_luks_magic(ByteView start)
{
  return start.size() >= magic_size && as_text(start.first(magic_size)) == magics[0];
}

Status check_luks_header(ByteView start)
{
  TRY(check_copy(start, 0, magics[0]).within("first LUKS2 header"));
  // The second copy lies directly behind the first: check_binary has bounded hdr_size.
  ByteReader in{start};
  TRY(in.take(magic_size + 2));
  const std::uint64_t size = TRY(in.u64be());
  TRY(check_copy(start, size, magics[1]).within("second LUKS2 header"));
  ByteReader second{start.subspan(size)};
  TRY(second.take(magic_size + 2));
  if (TRY(second.u64be()) != size)
    return fail(Errc::untrusted, "the two LUKS2 headers differ in size");
  return ok();
}

} // namespace dstack::guest
