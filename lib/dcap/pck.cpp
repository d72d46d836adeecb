#include "dcap/pck.hpp"

#include <algorithm>

namespace dstack::dcap {

namespace {

using x509::DerReader;
using x509::Tlv;

/// 1.2.840.113741.1.13.1
constexpr std::array<std::uint8_t, 9> sgx_oid{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
constexpr std::uint64_t components_count = 16;
constexpr std::uint64_t pce_svn_entry = 17;
constexpr std::uint64_t cpu_svn_entry = 18;

/// One { OID, value } pair; number is the arc after prefix, or 0 for OIDs from elsewhere.
struct Entry {
  std::uint64_t number = 0;
  Tlv value{};
};

Result<Entry> read_entry(DerReader& in, ByteView prefix)
{
  DerReader pair{TRY(in.expect(x509::tag::sequence)).content};
  const ByteView oid = TRY(pair.expect(x509::tag::oid)).content;
  Entry out;
  out.value = TRY(pair.next());
  TRY(pair.finish());
  const bool below = oid.size() == prefix.size() + 1 && equal(oid.first(prefix.size()), prefix) &&
                     (oid.back() & 0x80U) == 0;
  if (below) out.number = oid.back();
  return out;
}

template <std::size_t N> Status fill(const Tlv& value, std::array<std::uint8_t, N>& out)
{
  if (value.tag != x509::tag::octet_string || value.content.size() != N)
    return fail(Errc::malformed, "{} bytes with tag {:#04x} (want {} in an OCTET STRING)",
                value.content.size(), value.tag, N);
  std::copy(value.content.begin(), value.content.end(), out.begin());
  return ok();
}

/// Notes that an entry was seen; twice is an error.
Status once(std::uint32_t& seen, std::uint64_t number)
{
  const std::uint32_t bit = 1U << number;
  if ((seen & bit) != 0) return fail(Errc::malformed, "entry {} twice", number);
  seen |= bit;
  return ok();
}

Result<std::uint64_t> number_of(const Tlv& value, std::uint8_t tag, std::uint64_t limit)
{
  if (value.tag != tag) return fail(Errc::malformed, "tag {:#04x} (want {:#04x})", value.tag, tag);
  return x509::small_unsigned(value, limit);
}

Status read_tcb(const Tlv& sequence, PckExtension& out)
{
  if (sequence.tag != x509::tag::sequence) return fail(Errc::malformed, "not a SEQUENCE");
  const Bytes prefix = concat({sgx_oid, std::array<std::uint8_t, 1>{2}});
  DerReader in{sequence.content};
  std::uint32_t seen = 0;
  while (!in.empty()) {
    const Entry entry = TRY(read_entry(in, prefix));
    if (entry.number == 0 || entry.number > cpu_svn_entry) continue;
    TRY(once(seen, entry.number));
    if (entry.number <= components_count) {
      const auto svn = TRY(number_of(entry.value, x509::tag::integer, 255));
      out.components.at(entry.number - 1) = static_cast<std::uint8_t>(svn);
    } else if (entry.number == pce_svn_entry) {
      const auto svn = TRY(number_of(entry.value, x509::tag::integer, 65'535));
      out.pce_svn = static_cast<std::uint16_t>(svn);
    } else {
      TRY(fill(entry.value, out.cpu_svn).within("CPUSVN"));
    }
  }
  constexpr std::uint32_t all = (1U << (cpu_svn_entry + 1)) - 2;
  if (seen != all) return fail(Errc::malformed, "entries missing");
  return ok();
}

Status read_configuration(const Tlv& sequence, PckExtension& out)
{
  if (sequence.tag != x509::tag::sequence) return fail(Errc::malformed, "not a SEQUENCE");
  const Bytes prefix = concat({sgx_oid, std::array<std::uint8_t, 1>{7}});
  DerReader in{sequence.content};
  std::uint32_t seen = 0;
  while (!in.empty()) {
    const Entry entry = TRY(read_entry(in, prefix));
    if (entry.number == 0 || entry.number > 3) continue;
    TRY(once(seen, entry.number));
    if (entry.value.tag != x509::tag::boolean) return fail(Errc::malformed, "not a BOOLEAN");
    const bool value = TRY(x509::boolean_value(entry.value));
    if (entry.number == 1) out.dynamic_platform = value;
    if (entry.number == 2) out.cached_keys = value;
    if (entry.number == 3) out.smt_enabled = value;
  }
  return ok();
}

Status read_field(const Entry& entry, PckExtension& out)
{
  switch (entry.number) {
  case 1:
    return fill(entry.value, out.ppid).within("PPID");
  case 2:
    return read_tcb(entry.value, out).within("TCB");
  case 3:
    return fill(entry.value, out.pce_id).within("PCEID");
  case 4:
    return fill(entry.value, out.fmspc).within("FMSPC");
  case 5:
    out.sgx_type = static_cast<std::uint8_t>(TRY(number_of(entry.value, x509::tag::enumerated, 2)));
    return ok();
  case 6:
    out.has_platform = true;
    return fill(entry.value, out.platform_instance_id).within("platform instance id");
  default:
    return read_configuration(entry.value, out).within("configuration");
  }
}

} // namespace

Result<PckExtension> parse_pck_extension(const x509::P256Certificate& certificate)
{
  const x509::ExtensionView* extension = certificate.find(sgx_oid);
  if (extension == nullptr)
    return fail(Errc::malformed, "the PCK certificate has no SGX extension");
  PckExtension out;
  DerReader in{TRY(x509::read_one(extension->value, x509::tag::sequence)).content};
  std::uint32_t seen = 0;
  while (!in.empty()) {
    const Entry entry = TRY(read_entry(in, sgx_oid));
    if (entry.number == 0 || entry.number > 7) continue;
    TRY(once(seen, entry.number));
    TRY(read_field(entry, out));
  }
  constexpr std::uint32_t required = 0b111110;
  if ((seen & required) != required) return fail(Errc::malformed, "SGX extension lacks an entry");
  return out;
}

} // namespace dstack::dcap
