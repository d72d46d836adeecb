#pragma once
/// Writing a TDX quote of version 4, for the simulated quoting enclave. Reading quotes is dcap's.
/// All integers little-endian (spec verify 2).

#include "base/bytes.hpp"

namespace dstack::tee {

inline constexpr std::size_t max_quote_size = std::size_t{64} << 10U;
inline constexpr std::size_t quote_header_size = 48;
inline constexpr std::size_t td10_body_size = 584;
inline constexpr std::size_t qe_report_size = 384;
inline constexpr std::uint32_t tee_type_tdx = 0x81;

/// TD report body, TDX 1.0 (584 bytes).
struct Td10Body {
  std::array<std::uint8_t, 16> tee_tcb_svn{};
  std::array<std::uint8_t, 48> mr_seam{};
  std::array<std::uint8_t, 48> mr_signer_seam{};
  std::array<std::uint8_t, 8> seam_attributes{};
  std::array<std::uint8_t, 8> td_attributes{};
  std::array<std::uint8_t, 8> xfam{};
  std::array<std::uint8_t, 48> mrtd{};
  std::array<std::uint8_t, 48> mr_config_id{};
  std::array<std::uint8_t, 48> mr_owner{};
  std::array<std::uint8_t, 48> mr_owner_config{};
  std::array<std::array<std::uint8_t, 48>, 4> rtmr{};
  std::array<std::uint8_t, 64> report_data{};
};

struct QuoteHeader {
  std::uint16_t version = 4;
  std::uint16_t attestation_key_type = 2; ///< ECDSA-256 with P-256
  std::uint32_t tee_type = tee_type_tdx;
  std::array<std::uint8_t, 4> reserved{}; ///< QE and PCE SVN in older versions
  std::array<std::uint8_t, 16> qe_vendor_id{};
  std::array<std::uint8_t, 20> user_data{};
};

/// What the quoting enclave adds: its report, signed by the PCK, vouches for the attestation key.
struct QeCertification {
  std::array<std::uint8_t, qe_report_size> qe_report{};
  std::array<std::uint8_t, 64> qe_report_signature{}; ///< by the PCK key
  Bytes auth_data{};
  std::uint16_t certification_type = 5; ///< 5: PCK chain as PEM
  Bytes certification_data{};
};

struct QuoteV4 {
  QuoteHeader header{};
  Td10Body body{};
  Bytes signed_part{};                            ///< header and body as received
  std::array<std::uint8_t, 64> signature{};       ///< r || s over signed_part
  std::array<std::uint8_t, 64> attestation_key{}; ///< X || Y
  QeCertification certification{};
};

/// Intel's quoting enclave vendor id, 939a7233-f79c-4ca9-940a-0db3957f0607.
inline constexpr std::array<std::uint8_t, 16> intel_qe_vendor_id{
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

Bytes encode(const QuoteHeader& header, const Td10Body& body); ///< the part that is signed
Bytes encode(const QuoteV4& quote);                            ///< from signed_part on
/// The 64-byte report data the QE binds: sha256(attestation key || auth data) || 32 zero bytes.
std::array<std::uint8_t, 64> qe_report_data(ByteView attestation_key, ByteView auth_data);

} // namespace dstack::tee
