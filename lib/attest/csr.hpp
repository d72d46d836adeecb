#pragma once
/// The certificate signing request that a guest sends to a KMS: SCALE, version 2, and version 1 of
/// older guests (spec guest 12.4, kms 7.6). It carries the attestation of the key it is about.

#include "base/bytes.hpp"

#include <optional>

namespace dstack::attest {

struct CsrConfig {
  std::optional<std::string> organisation{};
  std::string subject{};
  std::vector<std::string> alt_names{};
  bool server_auth = false;
  bool client_auth = false;
  bool ext_quote = false;                    ///< the certificate is to carry the attestation
  bool ext_app_info = false;                 ///< and the app info
  std::optional<std::uint64_t> not_before{}; ///< Unix seconds
  std::optional<std::uint64_t> not_after{};
};

struct Csr {
  Bytes public_key{}; ///< SPKI DER
  CsrConfig config{};
  Bytes attestation{}; ///< the blob as it is, to the end of the request
};

Bytes encode(const Csr& csr);
/// Errc::malformed also when the words that say what is asked for are missing. The attestation is
/// not looked into.
Result<Csr> parse_csr(ByteView raw);

/// A request of version 1, in the form of version 2: its TDX quote and event log become an
/// attestation with the quote's report data, and what it cannot ask for stays unset.
Result<Csr> parse_csr_v1(ByteView raw);

/// ASN.1 DER signature of the request's own key over the bytes that were received: nobody asks for
/// a certificate of a key he does not hold. Errc::untrusted when it does not fit.
Status check_csr_signature(ByteView raw, ByteView signature);
/// The same for a request that was read already, in either version.
Status check_csr_signature(ByteView raw, const Csr& csr, ByteView signature);

} // namespace dstack::attest
