#pragma once
/// Event logs as firmware writes them, for a TPM or a confidential VM: one record in the older form,
/// then TCG_PCR_EVENT2 (TCG PC Client Platform Firmware Profile 1.06, 10.2).

#include "base/bytes.hpp"

namespace dstack::attest {

/// Firmware reserves 64 KiB to 1 MiB for its log.
inline constexpr std::size_t max_tcg_log = std::size_t{4} << 20U;
inline constexpr std::uint16_t tcg_sha384 = 0x000c;      ///< TPM_ALG_SHA384
inline constexpr std::uint32_t tcg_no_action = 3;        ///< EV_NO_ACTION: never extended
inline constexpr std::uint32_t tcg_platform_config = 10; ///< EV_PLATFORM_CONFIG_FLAGS

/// One record; the views are into the log.
struct TcgRecord {
  std::uint32_t index = 0; ///< PCR; in a confidential VM's log MRTD is 0 and RTMR0 is 1
  std::uint32_t type = 0;
  std::uint32_t digests = 0;   ///< how many
  std::uint16_t algorithm = 0; ///< of the first digest
  ByteView sha384{};           ///< the SHA-384 digest, empty when there is none
  ByteView payload{};
};

/// Everything behind the header up to the log's end or its unused space. Errors are
/// Errc::malformed, or Errc::unsupported for a log in the older form alone.
Result<std::vector<TcgRecord>> parse_tcg_log(ByteView raw);

} // namespace dstack::attest
