#pragma once
/// The events that TDX firmware of layout "pre202505" (edk2 before stable202505) extends into RTMR0
/// to RTMR2 when QEMU boots a kernel directly (spec host 5.3, 5.6).

#include "attest/event_log.hpp"
#include "measure/mrtd.hpp"

namespace dstack::measure {

/// The one layout whose events are known; images say it in metadata.json or say nothing.
inline constexpr std::string_view known_ovmf_variant = "pre202505";
/// Errc::unsupported for any other.
Status check_ovmf_variant(std::string_view variant);

struct BootEvent {
  std::string_view name{}; ///< "td-hob"
  crypto::Sha384Digest digest{};
};

/// What of RTMR0 is not the same for all.
struct Rtmr0Digests {
  crypto::Sha384Digest td_hob{};
  crypto::Sha384Digest cfv{};
  crypto::Sha384Digest acpi_loader{};
  crypto::Sha384Digest acpi_rsdp{};
  crypto::Sha384Digest acpi_tables{};
};

/// 13 events, in order.
std::vector<BootEvent> rtmr0_events(const Rtmr0Digests& digests);
/// 5 events; kernel is the Authenticode digest of what the firmware was served.
std::vector<BootEvent> rtmr1_events(const crypto::Sha384Digest& kernel);
/// SHA-384 of the UTF-16LE text "cmdline initrd=initrd" with its terminating zero.
crypto::Sha384Digest cmdline_digest(std::string_view cmdline);
/// 2 events; the first is cmdline_digest.
std::vector<BootEvent> rtmr2_events(const crypto::Sha384Digest& cmdline,
                                    const crypto::Sha384Digest& initrd);

/// The register after all of them.
crypto::Sha384Digest replay(const std::vector<BootEvent>& events);

/// Digest of the firmware's configuration volume, from its section of that type.
Result<crypto::Sha384Digest> cfv_digest(ByteView firmware,
                                        const std::vector<TdvfSection>& sections);
/// Of the volume in all published images, which measurement documents do not carry.
crypto::Sha384Digest published_cfv_digest();

} // namespace dstack::measure
