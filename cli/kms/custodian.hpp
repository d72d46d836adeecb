#pragma once
/// A custodian's side of a sealed KMS: look whom the share would go to, then send it.

#include "base/secret.hpp"
#include "cli/verify/session.hpp"
#include "kms/boot_info.hpp"
#include "kmsapi/unseal.hpp"
#include "net/tls.hpp"
#include "vault/custody.hpp"

namespace dstack::cli {

/// What the custodian accepts.
struct CustodianTrust {
  std::string policy{}; ///< policy file of a KMS; its [kms], [evidence] and images are asked
  std::string mr{};     ///< or the mr_aggregated it must have, hex
  bool allow_simulated = false;
  TrustOptions sources{}; ///< of what evidence is judged with
};

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

/// Sends the share to the KMS that was met, sealed so that it alone can read it. What it says of
/// the progress.
struct SentShare {
  std::string custodian{};
  std::string progress{};
  bool open = false;
};
Result<SentShare> send_share(SealedKms& to, const vault::CustodianShare& share);

} // namespace dstack::cli
