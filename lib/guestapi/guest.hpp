#pragma once
/// The VM as its API sees it: evidence, keys, certificates. The services below answer from it.

#include "guestapi/issuer.hpp"
#include "keys/derived.hpp"
#include "rpc/prpc.hpp"

namespace dstack::guestapi {

/// What the API cannot have by itself.
struct Outside {
  std::function<Time()> now;
  /// Text of the GPU attestation made at boot; empty without GPUs.
  std::function<std::string()> gpu_attestation;
};

class Guest {
public:
  Guest(Facts facts, Evidence::Quote quote, keys::AppKeys app_keys, Outside outside);

  Evidence& evidence() { return evidence_; }
  const keys::AppKeys& app_keys() const { return keys_; }
  Time now() const { return outside_.now(); }
  std::string gpu_attestation() const { return outside_.gpu_attestation(); }

  /// A fresh key made of 32 random bytes, or of the app's key, with its certificate.
  struct Issued {
    std::string key_pem{};
    std::vector<std::string> chain{};
  };
  Result<Issued> issue(const LeafRequest& request, const crypto::P256Key& key);
  /// A certificate anybody may look at (Info.app_cert); "" as long as it cannot be made.
  const std::string& demo_certificate();

private:
  Result<const Issuer*> issuer();

  Evidence evidence_;
  keys::AppKeys keys_;
  Outside outside_;
  std::optional<Issuer> issuer_;
  std::string demo_;
};

/// DstackGuest on dstack.sock.
rpc::Service dstack_service(const std::shared_ptr<Guest>& guest);
/// Tappd on tappd.sock: the API before 0.5.
rpc::Service tappd_service(const std::shared_ptr<Guest>& guest);
/// Worker on the port for the world.
rpc::Service worker_service(const std::shared_ptr<Guest>& guest);

/// A key from fresh randomness (spec guest 2.1).
Result<crypto::P256Key> random_p256(std::string_view context);

} // namespace dstack::guestapi
