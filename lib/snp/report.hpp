#pragma once
/// ATTESTATION_REPORT of the SEV-SNP firmware (AMD publication 56860, "SEV Secure Nested Paging
/// Firmware ABI Specification", section 7.3), versions 2 to 5. Integers are little-endian.

#include "snp/product.hpp"

namespace dstack::snp {

inline constexpr std::size_t report_size = 0x4a0;
inline constexpr std::size_t signed_size = 0x2a0; ///< what the signature covers

enum class SigningKey : std::uint8_t { vcek = 0, vlek = 1, none = 7 };

struct Firmware {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint8_t build = 0;
};

struct Report {
  std::uint32_t version = 0;
  std::uint32_t guest_svn = 0;
  std::uint64_t policy = 0;
  std::array<std::uint8_t, 16> family_id{};
  std::array<std::uint8_t, 16> image_id{};
  std::uint32_t vmpl = 0;
  std::uint32_t signature_algorithm = 0; ///< 1: ECDSA P-384 with SHA-384
  std::uint64_t current_tcb = 0;
  std::uint64_t platform_info = 0;
  std::uint32_t key_info = 0;
  std::array<std::uint8_t, 64> report_data{};
  std::array<std::uint8_t, 48> measurement{};
  std::array<std::uint8_t, 32> host_data{};
  std::array<std::uint8_t, 48> id_key_digest{};
  std::array<std::uint8_t, 48> author_key_digest{};
  std::array<std::uint8_t, 32> report_id{};
  std::array<std::uint8_t, 32> report_id_ma{};
  std::uint64_t reported_tcb = 0;
  std::uint8_t cpuid_family = 0; ///< version 3 and later, else 0
  std::uint8_t cpuid_model = 0;
  std::uint8_t cpuid_stepping = 0;
  std::array<std::uint8_t, 64> chip_id{}; ///< zero when the platform hides it
  std::uint64_t committed_tcb = 0;
  Firmware current_firmware{};
  Firmware committed_firmware{};
  std::uint64_t launch_tcb = 0;
  std::array<std::uint8_t, 48> r_le{}; ///< of the signature
  std::array<std::uint8_t, 48> s_le{};

  bool names_processor() const { return version >= 3; }
  std::optional<Product> product() const; ///< by CPUID, when the report names it
  SigningKey signing_key() const;
  bool hides_chip_id() const;
  /// dstack's status (spec kms 9.4): UpToDate when all four TCB versions agree, else OutOfDate.
  std::string_view tcb_status() const;
};

/// Refuses other sizes, versions and signature algorithms, and anything but zero where the
/// signature's field is longer than the signature: that part is covered by nothing.
Result<Report> parse_report(ByteView raw);

/// Properties that weaken a guest: "debug", "migratable" (a migration agent may be bound), and
/// "policy-reserved" for bits that no known firmware defines.
std::vector<std::string> attribute_flags(const Report& report);

/// The guest policy in words: "SMT, ABI 1.51".
std::string policy_text(std::uint64_t policy);

} // namespace dstack::snp
