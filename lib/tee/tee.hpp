#pragma once
/// The TEE as the guest agent sees it: one interface, two backends.

#include "attest/event_log.hpp"
#include "base/secret.hpp"
#include "dcap/anchor.hpp"

#include <memory>
#include <optional>

namespace dstack::tee {

using ReportData = std::array<std::uint8_t, 64>;

/// Registers at the moment the agent started, and the log that explains RTMR0 to RTMR2.
struct BootLog {
  attest::TdxRegisters registers{};
  std::vector<attest::TdxEvent> events{};
};

class Tee {
public:
  Tee() = default;
  Tee(const Tee&) = delete;
  Tee& operator=(const Tee&) = delete;
  virtual ~Tee() = default;

  virtual std::string_view name() const = 0; ///< "tdx" or "sim"
  virtual bool simulated() const = 0;
  virtual Result<BootLog> boot() = 0;
  virtual Status extend(unsigned rtmr, const crypto::Sha384Digest& digest) = 0;
  virtual Result<Bytes> quote(const ReportData& report_data) = 0;
  /// A key that comes back after a restart, when the TEE can keep one for this instance.
  virtual Result<std::optional<Secret<32>>> sealing_key(std::string_view app_id,
                                                        std::string_view instance_id) = 0;
  /// The root that quotes of enclaves beside this TEE chain to.
  virtual Result<dcap::Anchor> provider_root() = 0;
};

} // namespace dstack::tee
