#pragma once
/// The registration with a gateway, one of several: over TLS, with the VM's certificate, which only
/// apps of the same KMS get to see; the request goes to none but the gateway. Blocking, usable from
/// any thread.

#include "gatewayclient/registration.hpp"
#include "kmsclient/attempts.hpp"

namespace dstack::gatewayclient {

struct Question {
  std::vector<kmsclient::Url> urls{}; ///< in the order they are asked
  Bytes root_der{};                   ///< the KMS' root: what gateway and VM both chain to
  std::string gateway_app_id{};       ///< as the KMS gave it, see trust.hpp
  std::string chain_pem{};            ///< the VM's certificate: client, with its app info
  std::string key_pem{};              ///< secret
  WgKey public_key{};
  route::PortPolicy policy{};
};

struct Answer {
  Registration registration{};
  std::vector<route::WgPeer> peers{}; ///< of its servers, names looked up
  std::string url{};                  ///< who gave it
};

/// The error has the first address' code and tells of all.
Result<Answer> request_registration(const Question& question, const kmsclient::Reach& reach);

} // namespace dstack::gatewayclient
