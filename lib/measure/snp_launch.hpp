#pragma once
/// The launch digest of an SEV-SNP guest that QEMU starts with measured kernel hashes: what its
/// report has as MEASUREMENT (AMD SEV-SNP firmware ABI 56860, 8.17 "PAGE_INFO"; AMD APM volume 2,
/// table B-2 "VMSA layout"; spec host 5.10).

#include "crypto/hash.hpp"
#include "measure/guid_table.hpp"

#include <string>

namespace dstack::measure {

/// Pages outside the firmware that are part of the launch, and what is in them.
struct SnpSection {
  std::uint64_t address = 0; ///< guest physical
  std::uint64_t size = 0;    ///< bytes
  std::uint32_t type = 0;    ///< 1 zeroed, 2 secrets, 3 CPUID, 4 SVSM's CAA (zeroed), 16 hashes
  bool operator==(const SnpSection&) const = default;
};

inline constexpr std::size_t max_snp_sections = 64;
/// As much as four gigabytes of them: half a second of hashing.
inline constexpr std::uint64_t max_snp_pages = std::uint64_t{1} << 20U;
inline constexpr std::uint32_t max_snp_cpus = 512;

/// All of a firmware file that the digest depends on.
struct SnpFirmware {
  crypto::Sha384Digest digest{};        ///< launch digest over its own pages
  std::uint64_t hash_table_address = 0; ///< where the kernel hashes are put
  std::uint32_t reset_eip = 0;          ///< where further processors start
  std::vector<SnpSection> sections{};
  bool operator==(const SnpFirmware&) const = default;
};
/// Errc::unsupported for firmware that takes no kernel hashes: anything but edk2's AmdSevX64.
Result<SnpFirmware> snp_firmware(ByteView firmware);

/// What an image gives an SEV-SNP guest to boot with.
struct SnpImage {
  SnpFirmware firmware{};
  crypto::Sha256Digest kernel{};
  crypto::Sha256Digest initrd{};
  std::string cmdline{}; ///< as in metadata.json
  bool operator==(const SnpImage&) const = default;
};

struct SnpShape {
  std::uint32_t cpus = 1;
  std::string cpu_type = "EPYC-v4"; ///< QEMU's name
  std::uint64_t guest_features = 1; ///< SEV_FEATURES; 1 is SNPActive alone
};

/// CPUID(1).EAX of QEMU's CPU models.
Result<std::uint32_t> cpu_signature(std::string_view cpu_type);

/// Refused: a firmware without a section for the hashes, a command line without or with two
/// dstack.rootfs_hash, and any features but 1: others change what a guest may trust.
Result<crypto::Sha384Digest> snp_launch_digest(const SnpImage& image, const SnpShape& shape);

/// The digest itself, a page at a time.
class SnpLaunch {
public:
  enum class Page : std::uint8_t { normal = 1, vmsa = 2, zero = 3, secrets = 5, cpuid = 6 };

  SnpLaunch() = default;
  explicit SnpLaunch(const crypto::Sha384Digest& start) : digest_(start) {}
  /// contents is the SHA-384 of the page, or zero for pages that the host may not see.
  void add(Page type, std::uint64_t address, const crypto::Sha384Digest& contents);
  const crypto::Sha384Digest& digest() const { return digest_; }

private:
  crypto::Sha384Digest digest_{};
};

} // namespace dstack::measure
