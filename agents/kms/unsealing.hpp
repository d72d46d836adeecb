#pragma once
/// A sealed root waiting for its custodians: what they check before they send a share, and where
/// the shares come in.

#include "agents/kms/identity.hpp"
#include "kms/settings.hpp"
#include "kmsapi/unseal.hpp"
#include "vault/share_file.hpp"

#include <mutex>
#include <set>

namespace dstack::kmsnode {

class Unsealing {
public:
  /// A fresh key, attested. Shares sealed to it are of use to this process alone, and only until
  /// the root is open.
  static Result<std::unique_ptr<Unsealing>> begin(const GuestAgent& agent,
                                                  const Prove& prove,
                                                  const kms::Policy& policy,
                                                  const vault::PublicRoot& root,
                                                  const vault::Custody& custody);

  /// GET /unseal.
  kmsapi::UnsealDocument document() const;
  /// A share file: sealed to our key, or plain from a peer that we asked. How many are in.
  Result<unsigned> add(ByteView share_file);
  bool complete() const;
  /// When there are enough.
  Result<vault::OpenRoot> open(const vault::Vault& vault, Time now) const;
  std::string progress() const; ///< "1 of 2 shares are in (alice)"

private:
  Unsealing(const vault::PublicRoot& root, const vault::Circle& circle)
      : cluster_(root.cluster), circle_(circle), collector_(root.cluster, circle)
  {
  }

  crypto::BoxKey key_ = crypto::BoxKey::generate();
  vault::ClusterId cluster_;
  vault::Circle circle_;
  Bytes attestation_;
  mutable std::mutex mutex_;
  vault::ShareCollector collector_;
};

/// Those whose share is not in, without those who are being asked (by their URLs).
std::vector<kms::CustodianPeer> peers_to_ask(const std::vector<kms::CustodianPeer>& peers,
                                             const std::vector<std::string>& in,
                                             const std::set<std::string>& being_asked);

} // namespace dstack::kmsnode
