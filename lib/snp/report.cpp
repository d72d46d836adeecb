#include "snp/report.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::snp {

namespace {

constexpr std::uint32_t ecdsa_p384_sha384 = 1;
constexpr std::uint32_t oldest_version = 2;
constexpr std::uint32_t newest_version = 5;
constexpr std::size_t field_of_number = 72; ///< r and s are 48 bytes in fields of 72

/// Guest policy (section 4.3).
constexpr std::uint64_t policy_smt = std::uint64_t{1} << 16U;
constexpr std::uint64_t policy_always_one = std::uint64_t{1} << 17U;
constexpr std::uint64_t policy_migrate = std::uint64_t{1} << 18U;
constexpr std::uint64_t policy_debug = std::uint64_t{1} << 19U;
constexpr unsigned first_reserved_policy_bit = 26;

bool all_zero(ByteView bytes)
{
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

/// No migration agent: the firmware fills the field with ones (older ones with zeros).
bool names_no_agent(ByteView report_id_ma)
{
  return all_zero(report_id_ma) || std::all_of(report_id_ma.begin(), report_id_ma.end(),
                                               [](std::uint8_t b) { return b == 0xff; });
}

Status read_head(ByteReader& in, Report& out)
{
  out.version = TRY(in.u32le());
  if (out.version < oldest_version || out.version > newest_version)
    return fail(Errc::unsupported, "SEV-SNP report version {} (want {} to {})", out.version,
                oldest_version, newest_version);
  out.guest_svn = TRY(in.u32le());
  out.policy = TRY(in.u64le());
  out.family_id = TRY(in.array<16>());
  out.image_id = TRY(in.array<16>());
  out.vmpl = TRY(in.u32le());
  out.signature_algorithm = TRY(in.u32le());
  if (out.signature_algorithm != ecdsa_p384_sha384)
    return fail(Errc::unsupported, "SEV-SNP signature algorithm {} (want {})",
                out.signature_algorithm, ecdsa_p384_sha384);
  out.current_tcb = TRY(in.u64le());
  out.platform_info = TRY(in.u64le());
  out.key_info = TRY(in.u32le());
  return ok();
}

Status read_identity(ByteReader& in, Report& out)
{
  TRY(in.take(4));
  out.report_data = TRY(in.array<64>());
  out.measurement = TRY(in.array<48>());
  out.host_data = TRY(in.array<32>());
  out.id_key_digest = TRY(in.array<48>());
  out.author_key_digest = TRY(in.array<48>());
  out.report_id = TRY(in.array<32>());
  out.report_id_ma = TRY(in.array<32>());
  return ok();
}

Result<Firmware> read_firmware(ByteReader& in)
{
  Firmware out;
  out.build = TRY(in.u8());
  out.minor = TRY(in.u8());
  out.major = TRY(in.u8());
  TRY(in.take(1));
  return out;
}

Status read_platform(ByteReader& in, Report& out)
{
  out.reported_tcb = TRY(in.u64le());
  const auto cpuid = TRY(in.array<3>());
  if (out.names_processor()) {
    out.cpuid_family = cpuid[0];
    out.cpuid_model = cpuid[1];
    out.cpuid_stepping = cpuid[2];
  }
  TRY(in.take(21));
  out.chip_id = TRY(in.array<64>());
  out.committed_tcb = TRY(in.u64le());
  out.current_firmware = TRY(read_firmware(in));
  out.committed_firmware = TRY(read_firmware(in));
  out.launch_tcb = TRY(in.u64le());
  return ok();
}

Result<std::array<std::uint8_t, 48>> read_number(ByteReader& in)
{
  const auto number = TRY(in.array<48>());
  if (!all_zero(TRY(in.take(field_of_number - number.size()))))
    return fail(Errc::malformed, "SEV-SNP signature with a number above 384 bits");
  return number;
}

} // namespace

std::optional<Product> Report::product() const
{
  return names_processor() ? product_of_cpuid(cpuid_family, cpuid_model) : std::nullopt;
}

SigningKey Report::signing_key() const
{
  constexpr unsigned shift = 2;
  constexpr std::uint32_t mask = 7;
  return static_cast<SigningKey>(key_info >> shift & mask);
}

bool Report::hides_chip_id() const
{
  return all_zero(chip_id);
}

std::string_view Report::tcb_status() const
{
  const bool same =
      reported_tcb == current_tcb && reported_tcb == committed_tcb && reported_tcb == launch_tcb;
  return same ? "UpToDate" : "OutOfDate";
}

Result<Report> parse_report(ByteView raw)
{
  if (raw.size() != report_size)
    return fail(Errc::malformed, "SEV-SNP report of {} bytes (want {})", raw.size(), report_size);
  ByteReader in{raw};
  Report out;
  TRY(read_head(in, out));
  TRY(read_identity(in, out));
  TRY(read_platform(in, out));
  TRY(in.take(signed_size - in.offset()));
  out.r_le = TRY(read_number(in));
  out.s_le = TRY(read_number(in));
  if (!all_zero(in.rest()))
    return fail(Errc::malformed, "SEV-SNP report with bytes after its signature");
  return out;
}

std::vector<std::string> attribute_flags(const Report& report)
{
  std::vector<std::string> out;
  if ((report.policy & policy_debug) != 0) out.emplace_back("debug");
  if ((report.policy & policy_migrate) != 0 || !names_no_agent(report.report_id_ma))
    out.emplace_back("migratable");
  if ((report.policy & policy_always_one) == 0 || report.policy >> first_reserved_policy_bit != 0)
    out.emplace_back("policy-reserved");
  return out;
}

std::string policy_text(std::uint64_t policy)
{
  std::vector<std::string> words;
  if ((policy & policy_debug) != 0) words.emplace_back("DEBUG");
  if ((policy & policy_migrate) != 0) words.emplace_back("migration agent allowed");
  words.emplace_back((policy & policy_smt) != 0 ? "SMT allowed" : "no SMT");
  words.push_back(fmt::format("firmware ABI {}.{} or later", policy >> 8U & 0xffU, policy & 0xffU));
  return join(words, ", ");
}

} // namespace dstack::snp
