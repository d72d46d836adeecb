#pragma once
/// The VM as its API sees it: evidence, keys, certificates. The services below answer from it.

#include "guestapi/issuer.hpp"
#include "keys/derived.hpp"
#include "rpc/prpc.hpp"

namespace dstack::guestapi {

/// PEM, leaf first.
using CertificateChain = std::vector<std::string>;
using OnCertificate = std::function<void(Result<CertificateChain>)>;

/// What the API cannot have by itself.
struct Outside {
  std::function<Time()> now;
  /// Text of the GPU attestation made at boot; empty without GPUs.
  std::function<std::string()> gpu_attestation;
  /// Has the KMS sign a certificate and checks that it is what was asked for; calls back once, at
  /// once or later. Empty: the app's own authority signs, which needs the key of one.
  std::function<void(SigningRequest, OnCertificate)> sign_cert{};
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
    CertificateChain chain{};
  };
  /// Calls done once; with the app's own authority, before it returns.
  void issue(const LeafRequest& request,
             const crypto::P256Key& key,
             std::function<void(Result<Issued>)> done);
  /// A certificate anybody may look at (Info.app_cert); "" as long as there is none. Each call asks
  /// for one again, unless that is under way or went wrong a moment ago.
  const std::string& demo_certificate();

private:
  Result<const Issuer*> issuer();
  Result<Issued> issue_here(const LeafRequest& request, const crypto::P256Key& key);

  Evidence evidence_;
  keys::AppKeys keys_;
  Outside outside_;
  /// Outlives the guest while a KMS is being asked.
  struct Demo {
    std::string pem{};
    bool asked = false;
    Time again{}; ///< not before
  };

  std::optional<Issuer> issuer_;
  std::shared_ptr<Demo> demo_ = std::make_shared<Demo>();
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
