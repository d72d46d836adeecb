#pragma once
/// The guest agent beside us: what attests a KMS and a gateway, as it attests any app (spec
/// kms 4.6, gateway 15.6).

#include "base/bytes.hpp"
#include "codec/json.hpp"

#include <chrono>
#include <functional>

namespace dstack::guestclient {

using ReportData = std::array<std::uint8_t, 64>;

class GuestAgent {
public:
  /// "unix:/path" or "http://ADDRESS:PORT", numeric.
  static Result<GuestAgent> at(const std::string& address);

  /// The good answer of a method.
  Result<codec::Json> ask(std::string_view method, const codec::Json& request) const;
  /// The attestation blob for that report data.
  Result<Bytes> attest(const ReportData& data) const;
  /// vm_config as the host gave it.
  Result<std::string> vm_config() const;
  /// What this VM measures as a whole, in hex, as the agent states it.
  Result<std::string> mr_aggregated() const;
  const std::string& address() const { return address_; }

private:
  GuestAgent() = default;
  Result<std::string>
  field(std::string_view method, const codec::Json& request, std::string_view name) const;

  std::string address_;
  std::string path_; ///< of the socket; empty over TCP
  std::string host_;
  std::uint16_t port_ = 0;
};

/// Where the guest agent listens: as set, else DSTACK_AGENT_ADDRESS, else the usual sockets. When
/// there is none the error tells to take the way out given.
Result<std::string> agent_address(const std::string& set,
                                  const std::function<std::string(const char*)>& environment,
                                  std::string_view way_out);

} // namespace dstack::guestclient
