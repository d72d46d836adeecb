#pragma once
/// Whether fetched collateral comes from the vendor at all: asked before it is kept, so that what
/// somebody else made up never sits in the cache. Dates, revocation and what the documents say are
/// judged when a quote is verified, and all of this is proven again then.

#include "dcap/anchor.hpp"
#include "dcap/collateral.hpp"
#include "snp/verify.hpp"

namespace dstack::fetch {

/// Every document and list is signed under the anchor, the PCK CRL through its own issuer chain.
/// Errc::untrusted otherwise.
Status prove_origin(const dcap::Collateral& collateral, const dcap::Anchor& anchor);
/// The same for AMD's: VCEK by ASK, ASK and list by one of the roots. All but ark must be there.
Status prove_origin(const snp::Certificates& certificates, const std::vector<snp::Anchor>& anchors);

} // namespace dstack::fetch
