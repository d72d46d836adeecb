#pragma once
/// The certificates a KMS makes from its root (spec kms 7.4, 7.5): always the same members, so that
/// what others pin and parse stays as it is. DER throughout.

#include "attest/csr.hpp"
#include "x509/app_certificate.hpp"

namespace dstack::kms {

/// Self-signed, path length 1.
Result<Bytes> root_ca_certificate(const crypto::P256Key& root_ca, std::int64_t now);
/// Self-signed, path length 0: issues the throw-away certificates of attested clients.
Result<Bytes> temp_ca_certificate(const crypto::P256Key& temp_ca, std::int64_t now);
/// What the server shows: usage "kms:rpc", behind it the given extensions (the attestation of key).
/// domains: names and addresses, the first is the common name; at least one.
Result<Bytes> rpc_certificate(const crypto::P256Key& root_ca,
                              ByteView spki,
                              const std::vector<std::string>& domains,
                              const std::vector<x509::Extension>& attestation,
                              std::int64_t now);
/// Made anew for each request; its key follows from the app (keys::app_ca_key).
Result<Bytes> app_ca_certificate(const crypto::P256Key& root_ca,
                                 const crypto::P256Key& app_ca,
                                 ByteView app_id,
                                 std::int64_t now);

/// What SignCert puts into a leaf beside what was asked for.
struct LeafFacts {
  Bytes app_id{};
  std::optional<x509::Extension> attestation{}; ///< used when the request asks for it
  std::optional<x509::Extension> app_info{};    ///< likewise
};
/// Errc::denied for a request that names one of the KMS' own domains or a wildcard for it (names of
/// the loopback are anybody's); Errc::malformed for what cannot be written. A certificate ends with
/// the authority above it even when a later end is asked for (spec kms 18.3, trap 18). The
/// request's signature and attestation are the caller's to check.
Result<Bytes> leaf_certificate(const crypto::P256Key& app_ca,
                               const attest::Csr& csr,
                               const LeafFacts& facts,
                               const std::vector<std::string>& own_domains,
                               std::int64_t now);

/// A name for certificates (spec kms 3.1): ASCII labels of letters, digits and inner hyphens, at
/// most 253 bytes; an IPv4 or IPv6 address is fine, too.
Status check_domain(std::string_view domain);

/// Whether a certificate is to be made again: it ends within a year (spec kms 4.5).
bool ends_soon(std::int64_t not_after, std::int64_t now);

} // namespace dstack::kms
