#pragma once
/// Has a KMS sign the app's certificates without holding up the loop: for VMs and for
/// `dstack simulate`.

#include "guestapi/guest.hpp"
#include "kmsclient/client.hpp"
#include "sys/workers.hpp"

namespace dstack::guestsite {

/// Whose certificates they are, and where the KMS is.
struct SignerSettings {
  kmsclient::Trusted kms{};
  Bytes app_id{}; ///< 20 bytes
  std::string vm_config{};
  kmsclient::Reach reach{}; ///< of one certificate
  std::function<Time()> now;
};

class KmsSigner {
public:
  /// Two requests are under way at a time, more wait; the loop must outlive the signer.
  static Result<std::unique_ptr<KmsSigner>> create(sys::Loop& loop, SignerSettings settings);

  /// For guestapi::Outside::sign_cert. done is called once, later or at once: at once with an error
  /// when too many wait, or when no address could be reached a moment ago.
  void sign(guestapi::SigningRequest request, guestapi::OnCertificate done);

private:
  KmsSigner(std::unique_ptr<sys::WorkerPool> workers, SignerSettings settings);
  void took(const Result<kmsclient::CertificateAnswer>& answer);

  SignerSettings settings_;
  std::optional<Error> unreachable_; ///< why, until again_
  Time again_{};
  std::unique_ptr<sys::WorkerPool> workers_; ///< goes first: what it runs calls took
};

} // namespace dstack::guestsite
