#pragma once
/// The guest agent beside us: what attests a KMS, as it attests any app (spec kms 4.6).

#include "base/bytes.hpp"

#include <chrono>
#include <functional>

namespace dstack::kmsnode {

using ReportData = std::array<std::uint8_t, 64>;

class GuestAgent {
public:
  /// "unix:/path" or "http://ADDRESS:PORT", numeric.
  static Result<GuestAgent> at(const std::string& address);

  /// The attestation blob for that report data.
  Result<Bytes> attest(const ReportData& data) const;
  /// vm_config as the host gave it.
  Result<std::string> vm_config() const;
  /// What this VM measures as a whole, in hex, as the agent states it.
  Result<std::string> mr_aggregated() const;
  const std::string& address() const { return address_; }

private:
  GuestAgent() = default;
  Result<std::string> field(std::string_view method, std::string body, std::string_view name) const;

  std::string address_;
  std::string path_; ///< of the socket; empty over TCP
  std::string host_;
  std::uint16_t port_ = 0;
};

/// Where the guest agent listens: as set, else DSTACK_AGENT_ADDRESS, else the usual sockets. Errors
/// say what to do when there is none.
Result<std::string> agent_address(const std::string& set,
                                  const std::function<std::string(const char*)>& environment);

} // namespace dstack::kmsnode
