#pragma once
/// The file a custodian keeps: one share, with everything that is needed to check it. JSON; what is
/// not known in it is refused. The scalar lies open, or under a passphrase (Argon2id and
/// XChaCha20-Poly1305), or in a box that one X25519 key opens (crypto/sealed_box.hpp).

#include "crypto/sealed_box.hpp"
#include "vault/custody.hpp"

namespace dstack::vault {

inline constexpr std::size_t max_share_file = std::size_t{64} << 10U;
inline constexpr std::string_view share_schema = "dstack.kms.share/1";

enum class Protection { none, passphrase, box };
std::string_view name_of(Protection protection); ///< "none", "passphrase", "box"

SecretBytes write_share(const CustodianShare& share);
Result<Bytes> write_share(const CustodianShare& share,
                          const SecretBytes& passphrase,
                          const crypto::PassphraseCost& cost = {});
Result<Bytes> write_share(const CustodianShare& share, const crypto::BoxPublic& to);

/// What the file tells without its secret.
struct ShareView {
  ClusterId cluster{};
  std::uint8_t index = 0;
  Circle circle{};
  Protection protection = Protection::none;
  crypto::BoxPublic to{}; ///< of Protection::box: whose key opens it

  const std::string& custodian() const { return circle.custodians.at(index - 1U); }
};
Result<ShareView> view_share(ByteView file);

/// What opens a protected share; of the two, what the file asks for is used.
struct ShareKey {
  const SecretBytes* passphrase = nullptr;
  const crypto::BoxKey* box = nullptr;
};
/// Errc::denied when the file needs a key that is not given, Errc::untrusted for a wrong one and
/// for a share that does not fit the commitments beside it.
Result<CustodianShare> read_share(ByteView file, const ShareKey& key = {});

/// "4f3cf0a19a044467-bob.json": the cluster's first digits and the custodian.
std::string share_file_name(const ClusterId& cluster, std::string_view custodian);

} // namespace dstack::vault
