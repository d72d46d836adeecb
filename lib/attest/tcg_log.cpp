#include "attest/tcg_log.hpp"

#include <map>

namespace dstack::attest {

namespace {

constexpr std::uint32_t end_of_log = 0xffffffff;
constexpr std::uint32_t max_list = 65'536; // spec guest 8.1
constexpr std::size_t sha1_size = 20;
constexpr std::size_t sha384_size = 48;
constexpr std::string_view signature{"Spec ID Event03\0", 16};

using DigestSizes = std::map<std::uint16_t, std::uint16_t>;

Result<DigestSizes> parse_spec_id(ByteView data)
{
  ByteReader in{data};
  if (as_text(TRY(in.take(signature.size()))) != signature)
    return fail(Errc::unsupported, "it does not start with 'Spec ID Event03'");
  static_cast<void>(TRY(in.take(8))); // platform class, version, errata, size of UINTN
  const std::uint32_t count = TRY(in.u32le());
  if (count == 0 || count > max_list) return fail(Errc::malformed, "{} hash algorithms", count);
  DigestSizes out;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint16_t id = TRY(in.u16le().within("algorithm {}", i));
    const std::uint16_t size = TRY(in.u16le().within("algorithm {}", i));
    if (!out.emplace(id, size).second)
      return fail(Errc::malformed, "hash algorithm {:#06x} is listed twice", id);
  }
  const std::uint8_t vendor = TRY(in.u8().within("vendor information"));
  static_cast<void>(TRY(in.take(vendor).within("vendor information")));
  TRY(in.finish());
  const auto sha384 = out.find(tcg_sha384);
  if (sha384 != out.end() && sha384->second != sha384_size)
    return fail(Errc::malformed, "SHA-384 with {} bytes", sha384->second);
  return out;
}

/// The record in the older form that comes first.
Result<DigestSizes> read_header(ByteReader& in)
{
  static_cast<void>(TRY(in.u32le())); // register, without a meaning here
  const std::uint32_t type = TRY(in.u32le());
  if (type != tcg_no_action)
    return fail(Errc::malformed, "event type {:#x} (want {})", type, tcg_no_action);
  static_cast<void>(TRY(in.take(sha1_size)));
  const std::uint32_t size = TRY(in.u32le());
  return parse_spec_id(TRY(in.take(size)));
}

/// What follows the register index.
Result<TcgRecord> read_record(ByteReader& in, std::uint32_t index, const DigestSizes& sizes)
{
  TcgRecord out;
  out.index = index;
  out.type = TRY(in.u32le());
  out.digests = TRY(in.u32le());
  if (out.digests > max_list) return fail(Errc::malformed, "{} digests", out.digests);
  for (std::uint32_t i = 0; i < out.digests; ++i) {
    const std::uint16_t algorithm = TRY(in.u16le().within("digest"));
    const auto size = sizes.find(algorithm);
    if (size == sizes.end())
      return fail(Errc::malformed, "a digest of {:#06x}, which the header does not list",
                  algorithm);
    const ByteView digest = TRY(in.take(size->second).within("digest"));
    if (i == 0) out.algorithm = algorithm;
    if (algorithm == tcg_sha384) out.sha384 = digest;
  }
  const std::uint32_t size = TRY(in.u32le());
  out.payload = TRY(in.take(size).within("payload"));
  return out;
}

/// Log space that the firmware cleared and did not use; others fill it with ones.
bool is_unused_space(const TcgRecord& record)
{
  return record.index == 0 && record.type == 0 && record.digests == 0 && record.payload.empty();
}

} // namespace

Result<std::vector<TcgRecord>> parse_tcg_log(ByteView raw)
{
  if (raw.size() > max_tcg_log)
    return fail(Errc::malformed, "event log of {} bytes (limit {})", raw.size(), max_tcg_log);
  ByteReader in{raw};
  const DigestSizes sizes = TRY(read_header(in).within("event log header"));
  std::vector<TcgRecord> out;
  while (in.remaining() > 0) {
    const std::size_t number = out.size();
    const std::uint32_t index = TRY(in.u32le().within("event {}", number));
    if (index == end_of_log) break;
    const TcgRecord record = TRY(read_record(in, index, sizes).within("event {}", number));
    if (is_unused_space(record)) break;
    if (number >= max_list) return fail(Errc::malformed, "more than {} events", max_list);
    out.push_back(record);
  }
  return out;
}

} // namespace dstack::attest
