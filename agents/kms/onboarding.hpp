#pragma once
/// Getting the root of another KMS (spec kms 4.4, GetKmsKey).

#include "agents/kms/peer.hpp"
#include "vault/root_material.hpp"

namespace dstack::kmsnode {

/// The root keys in GetKmsKey's answer. They must be those that the peer's certificates and GetMeta
/// speak of; Errc::untrusted otherwise (spec kms 18.3, trap 19).
Result<vault::RootMaterial> root_from_answer(std::string body,
                                             const kmsclient::TempCa& authorities,
                                             const crypto::K256Public& k256);

/// Asks the peer for everything and checks it.
Result<vault::RootMaterial> fetch_root(PeerLink& peer, const std::string& vm_config);

} // namespace dstack::kmsnode
