#pragma once
/// Who can open a root at rest. A quorum shares a random scalar that the root is encrypted under
/// (crypto/feldman.hpp), so the root itself is in no share.

#include "codec/json.hpp"
#include "crypto/feldman.hpp"
#include "crypto/passphrase.hpp"

namespace dstack::vault {

inline constexpr std::size_t scalar_size = 32; ///< bytes of a secret key or a seed

/// SHA-256 of the root CA's SubjectPublicKeyInfo: the same at every replica.
using ClusterId = std::array<std::uint8_t, 32>;
ClusterId cluster_id_of(ByteView ca_spki);

enum class Provider {
  passphrase, ///< Argon2id of a passphrase: for development and for machines with an operator
  quorum      ///< a threshold of custodians
};
std::string_view name_of(Provider provider); ///< "passphrase", "quorum"

/// 1 to 64 of [A-Za-z0-9._-], first alphanumeric: it becomes part of a file's name.
Status check_custodian_name(std::string_view name);

/// Who holds the shares of one sharing, in the order of their indices, which start at 1.
struct Circle {
  std::vector<std::string> custodians{};
  crypto::Commitments commitments{}; ///< as many as the threshold

  unsigned threshold() const { return static_cast<unsigned>(commitments.size()); }
  /// "'bob' (2)", for messages; the index alone when there is no such custodian.
  std::string describe(unsigned index) const;
  bool operator==(const Circle&) const = default;
};
/// Names, their number and the threshold; Errc::malformed.
Status check_circle(const Circle& circle);

/// How a root is kept, without secrets.
struct Custody {
  Provider provider = Provider::passphrase;
  crypto::PassphraseCost cost{}; ///< of passphrase
  crypto::PassphraseSalt salt{}; ///< of passphrase
  Circle circle{};               ///< of quorum
};
codec::Json to_json(const Custody& custody);
Result<Custody> custody_from_json(const codec::Json& json);
/// What encryption is bound to: one encoding for each custody.
Bytes context_of(const Custody& custody);

/// A share as its custodian gets it.
struct CustodianShare {
  ClusterId cluster{};
  Circle circle{};
  crypto::Share share{};

  const std::string& custodian() const { return circle.custodians.at(share.index - 1U); }
};
/// Errc::untrusted, naming the custodian, when it does not fit the commitments beside it.
Status check_share(const CustodianShare& share);

/// Shares of one sealed root as they come in: each is checked before it counts.
class ShareCollector {
public:
  /// of_cluster, circle: what root/ says.
  ShareCollector(const ClusterId& of_cluster, Circle circle);

  /// How many are in. Errc::untrusted names the custodian whose share does not fit, or says that it
  /// is of another root or of another division of this one. One that is in already counts once.
  Result<unsigned> add(const CustodianShare& share);
  unsigned have() const { return static_cast<unsigned>(shares_.size()); }
  unsigned need() const { return circle_.threshold(); }
  bool complete() const { return have() >= need(); }
  std::vector<std::string> custodians_in() const;
  const std::vector<crypto::Share>& shares() const { return shares_; }
  /// Forgets (and wipes) them.
  void clear() { shares_.clear(); }

private:
  ClusterId cluster_;
  Circle circle_;
  std::vector<crypto::Share> shares_;
};

} // namespace dstack::vault
