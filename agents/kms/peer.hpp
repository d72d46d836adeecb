#pragma once
/// Another KMS, attested both ways (spec kms 4.4). It is judged by our own policy before a byte is
/// sent, and the connection that gets our certificate is the one to the same key.

#include "agents/kms/identity.hpp"
#include "kmsclient/trust.hpp"
#include "kmsclient/url.hpp"

namespace dstack::kmsnode {

/// What it takes to talk to a peer. All must outlive the call.
struct PeerNeeds {
  const GuestAgent& agent;
  const Prove& prove;
  std::function<Result<kms::Decision>(const kms::Policy&, kms::Role, const kms::BootInfo&)>
      decide{};
  const kms::Policy& policy;
  std::string vm_config{}; ///< ours
  Time now{};
};

class PeerLink {
public:
  static Result<PeerLink> open(const kmsclient::Url& url, const PeerNeeds& needs);

  /// The answer's body; refusals are Errc::denied with the peer's words.
  Result<std::string> call(std::string_view method, const codec::Json& params);

  const kms::BootInfo& who() const { return who_; }
  const kmsclient::TempCa& authorities() const { return ca_; }

private:
  PeerLink(kmsclient::Url url, kms::BootInfo who, kmsclient::TempCa ca, net::TlsClient connection)
      : url_(std::move(url)), who_(std::move(who)), ca_(std::move(ca)),
        connection_(std::move(connection))
  {
  }

  kmsclient::Url url_;
  kms::BootInfo who_;
  kmsclient::TempCa ca_;
  net::TlsClient connection_;
};

} // namespace dstack::kmsnode
