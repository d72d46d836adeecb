#pragma once
/// Intel ECDSA quotes: version 3 (SGX), 4 and 5 (SGX and TDX). All integers little-endian (spec
/// verify 2; Intel "SGX ECDSA Quote Library API", "TDX DCAP Quoting Library API").

#include "base/bytes.hpp"

namespace dstack::dcap {

inline constexpr std::size_t max_quote = std::size_t{64} << 10U;
inline constexpr std::size_t quote_header_size = 48;
inline constexpr std::size_t enclave_report_size = 384;
inline constexpr std::size_t td10_size = 584;
inline constexpr std::size_t td15_size = 648;
inline constexpr std::size_t td15_extended_size = 885;

enum class TeeType : std::uint32_t { sgx = 0, tdx = 0x81 };
std::string_view name_of(TeeType tee); ///< "sgx", "tdx"
enum class BodyType : std::uint16_t { enclave = 1, td10 = 2, td15 = 3, td15_extended = 4 };
std::string_view name_of(BodyType body); ///< "SGX enclave report", "TD report 1.5"

template <std::size_t N> using Field = std::array<std::uint8_t, N>;

/// 939a7233-f79c-4ca9-940a-0db3957f0607, at offset 12 of every quote dstack reads.
inline constexpr Field<16> intel_qe_vendor_id{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                              0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
/// The bytes start like a quote of a version dstack reads.
bool looks_like_quote(ByteView raw);

/// SGX report body, 384 bytes; offsets in spec verify 2.3.
struct EnclaveReport {
  Field<16> cpu_svn{};
  Field<4> misc_select{};
  Field<16> attributes{}; ///< flags (u64), xfrm (u64)
  Field<32> mr_enclave{};
  Field<32> mr_signer{};
  Field<64> config_id{};
  std::uint16_t isv_prod_id = 0;
  std::uint16_t isv_svn = 0;
  std::uint16_t config_svn = 0;
  Field<16> isv_ext_prod_id{};
  Field<16> isv_family_id{};
  Field<64> report_data{};
};

/// What TD report 1.5 adds.
struct Td15 {
  Field<16> tee_tcb_svn_2{}; ///< the TCB that runs now; TEE_TCB_SVN is the one at launch
  Field<48> mr_service_td{};
};

/// What the extended form of TD report 1.5 adds and policy looks at (spec verify 2.4).
struct Td15Extended {
  std::uint8_t vm_id = 0;
  Field<48> device_info_hash{};
  Field<48> initial_service_td_hash{};
  Field<48> current_service_td_hash{};
};

struct TdReport {
  Field<16> tee_tcb_svn{}; ///< [0] module ISVSVN, [1] module major version
  Field<48> mr_seam{};
  Field<48> mr_signer_seam{};
  Field<8> seam_attributes{};
  Field<8> td_attributes{};
  Field<8> xfam{};
  Field<48> mrtd{};
  Field<48> mr_config_id{};
  Field<48> mr_owner{};
  Field<48> mr_owner_config{};
  std::array<Field<48>, 4> rtmr{};
  Field<64> report_data{};
  Td15 td15{};                  ///< zero in 1.0
  Td15Extended td15_extended{}; ///< zero unless extended
};

/// A parsed quote; views point into the bytes it was parsed from.
struct Quote {
  std::uint16_t version = 0;
  TeeType tee = TeeType::sgx;
  BodyType body_type = BodyType::enclave;
  Field<20> user_data{};   ///< first 16 bytes: QE id
  EnclaveReport enclave{}; ///< SGX
  TdReport td{};           ///< TDX
  ByteView signed_part{};
  ByteView signature{};       ///< r || s
  ByteView attestation_key{}; ///< X || Y
  EnclaveReport qe{};
  ByteView qe_report{};
  ByteView qe_report_signature{}; ///< r || s, by the PCK
  ByteView qe_auth_data{};
  std::uint16_t certification_type = 0; ///< 1..3: identifiers of the platform, 5: PCK chain (PEM)
  ByteView certification_data{};
  std::size_t trailing = 0; ///< bytes after the quote, ignored

  const Field<64>& report_data() const
  {
    return tee == TeeType::sgx ? enclave.report_data : td.report_data;
  }
  bool has_td15() const
  {
    return body_type == BodyType::td15 || body_type == BodyType::td15_extended;
  }
};

/// Errors are Errc::malformed, or Errc::unsupported for versions and algorithms of other kinds.
Result<Quote> parse_quote(ByteView raw);
Result<EnclaveReport> parse_enclave_report(ByteView raw);

/// Certification data of types 1 to 3: what names the PCK certificate to fetch (spec verify 2.6).
struct PlatformIds {
  ByteView ppid{}; ///< plain (type 1) or encrypted
  ByteView cpu_svn{};
  std::uint16_t pce_svn = 0;
  ByteView pce_id{}; ///< empty in one published sample, which ends before it
};
Result<PlatformIds> platform_ids(const Quote& quote);

} // namespace dstack::dcap
