#pragma once
/// Who can open a root at rest, and the shares of those who can only do it together. Sharing is
/// Feldman's (crypto/feldman.hpp) of a random scalar that the root is encrypted under, so the root
/// itself is in no share.

#include "codec/json.hpp"
#include "crypto/feldman.hpp"
#include "crypto/passphrase.hpp"
#include "crypto/x25519.hpp"

namespace dstack::vault {

/// SHA-256 of the root CA's SubjectPublicKeyInfo: the same at every replica.
using ClusterId = std::array<std::uint8_t, 32>;
ClusterId cluster_id_of(ByteView ca_spki);

enum class Provider {
  passphrase, ///< Argon2id of a passphrase: for development and for machines with an operator
  quorum      ///< a threshold of custodians
};
std::string_view name_of(Provider provider);
Result<Provider> parse_provider(std::string_view name);

/// How a root is kept, without secrets.
struct Custody {
  Provider provider = Provider::passphrase;
  crypto::PassphraseCost cost{};                     ///< of passphrase
  std::vector<std::string> custodians{};             ///< of quorum; the first has index 1
  std::vector<crypto::RistrettoPoint> commitments{}; ///< of quorum; as many as the threshold

  unsigned threshold() const { return static_cast<unsigned>(commitments.size()); }
};

/// 1 to 64 of [A-Za-z0-9._-], first alphanumeric: it becomes part of a file's name.
Status check_custodian_name(std::string_view name);

/// A share as its custodian gets it, in memory.
struct ShareFile {
  ClusterId cluster{};
  std::vector<std::string> custodians{};
  std::vector<crypto::RistrettoPoint> commitments{};
  crypto::Share share{}; ///< index and secret scalar

  std::string custodian() const; ///< of this share
  /// "4f3cf0a19a044467-bob.json"
  std::string file_name() const;
};

inline constexpr std::size_t max_share_file = std::size_t{64} << 10U;
inline constexpr std::string_view share_schema = "dstack.kms.share/1";

/// What a share file tells without its secret, for `dstack kms share show`.
struct ShareView {
  ClusterId cluster{};
  std::uint8_t index = 0;
  std::vector<std::string> custodians{};
  std::vector<crypto::RistrettoPoint> commitments{};
  enum class Protection { none, passphrase, sealed_box } protection = Protection::none;
};
Result<ShareView> read_share_view(ByteView file);

/// JSON; with a passphrase the scalar is encrypted (Argon2id, XChaCha20-Poly1305).
SecretBytes write_share(const ShareFile& share);
SecretBytes write_share(const ShareFile& share, ByteView passphrase, const crypto::PassphraseCost&);
/// The scalar in a sealed box (crypto/sealed_box.hpp) that only the owner of that X25519 key opens.
Result<SecretBytes> write_share(const ShareFile& share, const crypto::X25519Public& to);

/// Errc::denied when the file needs what is not given, Errc::untrusted when it is the wrong one or
/// the share does not fit its commitments (naming the custodian).
struct ShareKey {
  const SecretBytes* passphrase = nullptr;
  const Secret<32>* box = nullptr;
};
Result<ShareFile> read_share(ByteView file, const ShareKey& key = {});

/// Shares of one sealed root as they come in: each is checked before it counts.
class ShareCollector {
public:
  ShareCollector(ClusterId cluster, Custody custody);

  /// How many are in. Errc::untrusted names the custodian whose share does not fit, or says that it
  /// belongs to another root or to an earlier division of this one; one that is in already counts
  /// once.
  Result<unsigned> add(const ShareFile& share);
  unsigned have() const { return static_cast<unsigned>(shares_.size()); }
  unsigned need() const { return custody_.threshold(); }
  bool complete() const { return have() >= need(); }
  std::vector<std::string> custodians_in() const;
  const std::vector<crypto::Share>& shares() const { return shares_; }
  /// Forgets (and wipes) them.
  void clear() { shares_.clear(); }

private:
  ClusterId cluster_;
  Custody custody_;
  std::vector<crypto::Share> shares_;
};

} // namespace dstack::vault
