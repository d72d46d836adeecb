#pragma once
/// The roots of trust for SEV-SNP: AMD's self-signed root keys (ARK), one a processor family.
///
/// As AMD's key service gives them at /vcek/v1/<product>/cert_chain. The same bytes are carried by
/// virtee's crate `sev` 7.1.0 (src/certs/snp/builtin) and Google's Go module `go-sev-guest` 0.15.0
/// (verify/trust); anchors_test.cpp holds their digests.

#include "snp/product.hpp"

namespace dstack::snp {

struct Anchor {
  Product product = Product::milan;
  Bytes certificate{}; ///< DER; its public key is what is trusted
};

std::vector<Anchor> amd_anchors();

} // namespace dstack::snp
