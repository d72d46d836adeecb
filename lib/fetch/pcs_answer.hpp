#pragma once
/// Answers of PCS and PCCS, parsed enough to be kept: the right document, about what was asked, in
/// its format. Nothing is proven here: signatures, chains and start dates are the verifier's.

#include "fetch/cache_entry.hpp"
#include "fetch/pcs_request.hpp"

namespace dstack::fetch {

/// What an answer says of itself.
struct SignedAnswer {
  std::string text{}; ///< the signed bytes
  Bytes signature{};
  std::string issuer_chain{}; ///< PEM
  std::int64_t next_update = 0;
};

struct CrlAnswer {
  Bytes der{};
  std::string issuer_chain{}; ///< PEM, empty for the root's list
  std::int64_t next_update = 0;
};

struct PckAnswer {
  std::string chain{}; ///< PEM: leaf, then its issuers
  std::int64_t not_after = 0;
};

/// Header names, lower-case, that hold something an answer needs.
std::vector<std::string> tcb_info_headers();
std::vector<std::string> qe_identity_headers();
std::vector<std::string> pck_crl_headers();
std::vector<std::string> pck_certificate_headers();

/// Refuses TCB info of another FMSPC or TEE than asked for (Errc::untrusted).
Result<SignedAnswer> read_tcb_info(const CacheEntry& entry, const PcsRequest& request);
Result<SignedAnswer> read_qe_identity(const CacheEntry& entry, const PcsRequest& request);
Result<CrlAnswer> read_pck_crl(const CacheEntry& entry, PckCa ca);
Result<CrlAnswer> read_root_crl(const CacheEntry& entry);
/// Refuses a certificate for another TCB than the quote's: the platform's current one is then not
/// registered (spec verify 9.3).
Result<PckAnswer> read_pck_certificate(const CacheEntry& entry, const PckRequest& request);

} // namespace dstack::fetch
