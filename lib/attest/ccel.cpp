#include "attest/ccel.hpp"

#include "base/text.hpp"

#include <map>

namespace dstack::attest {

namespace {

constexpr std::uint32_t no_action = 3;              ///< EV_NO_ACTION: information, never extended
constexpr std::uint32_t platform_config_flags = 10; ///< EV_PLATFORM_CONFIG_FLAGS
constexpr std::uint32_t end_of_log = 0xffffffff;
constexpr std::uint32_t max_registers = 4;
constexpr std::uint32_t max_list = 65'536; // spec guest 8.1
constexpr std::size_t sha1_size = 20;
constexpr std::uint16_t sha384_id = 0x000c;
constexpr std::string_view signature{"Spec ID Event03\0", 16};
constexpr std::array<std::string_view, 3> acpi_names{"acpi-loader", "acpi-rsdp", "acpi-tables"};

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
  const auto sha384 = out.find(sha384_id);
  if (sha384 != out.end() && sha384->second != Sha384Digest{}.size())
    return fail(Errc::malformed, "SHA-384 with {} bytes", sha384->second);
  return out;
}

/// The record in the older form that comes first.
Result<DigestSizes> read_header(ByteReader& in)
{
  static_cast<void>(TRY(in.u32le())); // register, without a meaning here
  const std::uint32_t type = TRY(in.u32le());
  if (type != no_action)
    return fail(Errc::malformed, "event type {:#x} (want {})", type, no_action);
  static_cast<void>(TRY(in.take(sha1_size)));
  const std::uint32_t size = TRY(in.u32le());
  return parse_spec_id(TRY(in.take(size)));
}

struct Record {
  std::uint32_t index = 0;
  std::uint32_t type = 0;
  std::uint32_t digests = 0;
  std::uint16_t algorithm = 0; ///< of the first digest
  ByteView digest{};           ///< the first
  ByteView payload{};
};

/// What follows the register index.
Result<Record> read_record(ByteReader& in, std::uint32_t index, const DigestSizes& sizes)
{
  Record out;
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
    if (i > 0) continue;
    out.algorithm = algorithm;
    out.digest = digest;
  }
  const std::uint32_t size = TRY(in.u32le());
  out.payload = TRY(in.take(size).within("payload"));
  return out;
}

/// Log space that the firmware cleared and did not use; others fill it with ones.
bool is_unused_space(const Record& record)
{
  return record.index == 0 && record.type == 0 && record.digests == 0 && record.payload.empty();
}

Result<TdxEvent> to_event(const Record& record)
{
  if (record.index > max_registers)
    return fail(Errc::malformed, "register index {} (want 0 to {})", record.index, max_registers);
  if (record.digests != 1)
    return fail(Errc::malformed, "{} digests (want exactly one)", record.digests);
  if (record.algorithm != sha384_id)
    return fail(Errc::unsupported, "a digest of {:#06x} (want {:#06x}, SHA-384)", record.algorithm,
                sha384_id);
  TdxEvent out;
  out.imr = record.index - 1;
  out.type = record.type;
  out.digest.emplace();
  std::copy(record.digest.begin(), record.digest.end(), out.digest->begin());
  out.payload = to_bytes(record.payload);
  return out;
}

bool is_acpi_data(const TdxEvent& event)
{
  return event.imr == 0 && event.type == platform_config_flags &&
         as_text(event.payload) == "ACPI DATA";
}

} // namespace

Result<std::vector<TdxEvent>> parse_ccel(ByteView raw)
{
  if (raw.size() > max_ccel)
    return fail(Errc::malformed, "event log of {} bytes (limit {})", raw.size(), max_ccel);
  ByteReader in{raw};
  const DigestSizes sizes = TRY(read_header(in).within("event log header"));
  std::vector<TdxEvent> out;
  std::size_t acpi = 0;
  for (std::size_t number = 0; in.remaining() > 0; ++number) {
    const std::uint32_t index = TRY(in.u32le().within("event {}", number));
    if (index == end_of_log) break;
    const Record record = TRY(read_record(in, index, sizes).within("event {}", number));
    if (is_unused_space(record)) break;
    if (number >= max_list) return fail(Errc::malformed, "more than {} events", max_list);
    if (index == 0 || record.type == no_action) continue;
    TdxEvent event = TRY(to_event(record).within("event {}", number));
    if (is_acpi_data(event) && acpi < acpi_names.size()) event.name = acpi_names.at(acpi++);
    out.push_back(std::move(event));
  }
  return out;
}

} // namespace dstack::attest
