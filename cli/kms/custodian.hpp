#pragma once
/// A custodian's side of a KMS: look whom the share would go to, or whom it comes from.

#include "base/secret.hpp"
#include "cli/verify/session.hpp"
#include "kms/boot_info.hpp"
#include "kmsapi/unseal.hpp"
#include "net/tls.hpp"
#include "vault/custody.hpp"

namespace dstack::cli {

/// What the custodian accepts: all that is given must hold, and one of the first two be given.
struct CustodianTrust {
  std::string policy{}; ///< policy file of a KMS; its [kms], [evidence] and images are asked
  std::string mr{};     ///< the mr_aggregated it must have, hex
  bool allow_simulated = false;
  TrustOptions sources{}; ///< of what evidence is judged with
};
/// --policy, --mr, --allow-simulated and where collateral comes from.
void add_custodian_trust(Leaf& leaf, CustodianTrust& trust);

/// A KMS that waits for shares.
struct SealedKms {
  net::TlsClient connection;
  kmsapi::UnsealDocument document{};
  kms::BootInfo who{}; ///< proven
};

/// Connects and verifies what is shown. Errc::denied, with what was seen, when the trust does not
/// cover it.
Result<SealedKms>
meet_sealed(const std::string& url, const CustodianTrust& trust, const Context& ctx);

/// What a KMS in a VM holds ready for its custodians.
struct OfferedShares {
  kms::BootInfo who{};        ///< proven, by the certificate of the connection that they came over
  std::vector<Bytes> files{}; ///< as vault/share_file.hpp reads them
};
/// As meet_sealed, of a KMS that may be open, too.
Result<OfferedShares>
fetch_shares(const std::string& url, const CustodianTrust& trust, const Context& ctx);

/// Sends the share to the KMS that was met, sealed so that it alone can read it. What it says of
/// the progress.
struct SentShare {
  std::string custodian{};
  std::string progress{};
  bool open = false;
};
Result<SentShare> send_share(SealedKms& to, const vault::CustodianShare& share);

} // namespace dstack::cli
