#pragma once
/// Who this gateway is: a certificate that the KMS signed, got through the guest agent (spec
/// gateway 15.7). Its root is the one that VMs' certificates must chain to.

#include "base/text.hpp"
#include "guestclient/guest_agent.hpp"

namespace dstack::gatewaynode {

struct Identity {
  std::string chain_pem{};
  std::string key_pem{};  ///< secret
  std::string root_pem{}; ///< the KMS' own certificate
  Bytes app_id{};
  Time not_after{};
};

/// A fresh key with its certificate for those names. Takes its time.
Result<Identity> request_identity(const guestclient::GuestAgent& agent,
                                  const std::vector<std::string>& names);

} // namespace dstack::gatewaynode
