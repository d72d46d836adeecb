#pragma once
/// Writing TDX quotes of version 4 and SGX quotes of version 3, for the simulated quoting enclave.
/// Reading quotes is dcap's. All integers little-endian (spec verify 2).

#include "dcap/quote.hpp"

namespace dstack::tee {

/// Header and TD report 1.0: the part that the attestation key signs.
Bytes encode_signed_part(const dcap::Field<20>& user_data, const dcap::TdReport& td);
/// Header and enclave report of version 3.
Bytes encode_signed_part(const dcap::Field<20>& user_data, const dcap::EnclaveReport& enclave);

/// What stands behind the signed part.
struct QuoteAuth {
  dcap::Field<64> signature{};       ///< r || s over the signed part
  dcap::Field<64> attestation_key{}; ///< X || Y
  dcap::Field<dcap::enclave_report_size> qe_report{};
  dcap::Field<64> qe_report_signature{}; ///< by the PCK key
  Bytes auth_data{};
  std::string pck_chain{}; ///< PEM
};
/// The signed part says which version it is.
Bytes encode_quote(ByteView signed_part, const QuoteAuth& auth);

} // namespace dstack::tee
