#pragma once
/// The VM that `dstack simulate` plays: identity, registers, keys and the simulated TEE's quotes.

#include "compose/app_compose.hpp"
#include "guestapi/guest.hpp"
#include "kmsclient/client.hpp"
#include "sys/files.hpp"

namespace dstack::cli {

struct World {
  /// Who signs certificates when keys come from a KMS; set before the first is asked for.
  using SignCert = std::function<void(guestapi::SigningRequest, guestapi::OnCertificate)>;

  std::shared_ptr<guestapi::Guest> guest;
  compose::AppCompose app;
  std::optional<kmsclient::Trusted> kms{}; ///< that gave the keys
  std::shared_ptr<SignCert> sign_cert = std::make_shared<SignCert>();
};

/// A real KMS instead of the one that is played.
struct WorldKms {
  std::vector<kmsclient::Url> urls;
  kmsclient::Reach reach{};
};

/// App text of the identity that is used when the caller names no app.
std::string fixture_app_compose();

/// app_compose empty: the published simulator's app id and app key (spec guest 10.4, 13.4), so that
/// the SDKs' suites find the signers they expect. tee_directory holds this machine's development
/// keys. Same app, same machine: same keys, every time.
Result<World> make_world(const std::string& app_compose,
                         const sys::fs::path& tee_directory,
                         const std::optional<WorldKms>& kms);

} // namespace dstack::cli
