#pragma once
/// Runtime events, their digests and the register they end up in (spec guest 8), and the values
/// derived from them (spec guest 11.3, 20).

#include "codec/json.hpp"
#include "crypto/hash.hpp"

#include <optional>

namespace dstack::attest {

using crypto::Sha256Digest;
using crypto::Sha384Digest;

/// Type of every runtime event (spec guest 8.2).
inline constexpr std::uint32_t runtime_event_type = 134'217'729;
/// The register runtime events extend.
inline constexpr std::uint32_t runtime_register = 3;

enum class EventVersion { v1 = 1, v2 = 2 };

struct RuntimeEvent {
  std::string name{};
  Bytes payload{};
  EventVersion version = EventVersion::v1;
  bool operator==(const RuntimeEvent&) const = default;
};

/// What is hashed: V1 type ‖ ":" ‖ name ‖ ":" ‖ payload, V2 canonical JSON (spec guest 8.3).
Bytes preimage_of(const RuntimeEvent& event);
Sha384Digest digest_of(const RuntimeEvent& event);

/// One measurement register: 48 zero bytes, then SHA384(register ‖ digest) for each digest.
class Register {
public:
  void extend(const Sha384Digest& digest);
  const Sha384Digest& value() const { return value_; }
  static Register of(const Sha384Digest& value);

private:
  Sha384Digest value_{};
};

/// Event as quotes and Info carry it (spec guest 8.2).
struct TdxEvent {
  std::uint32_t imr = 0; ///< RTMR index, 0..3
  std::uint32_t type = 0;
  std::optional<Sha384Digest> digest{}; ///< absent in stripped logs
  std::string name{};
  Bytes payload{};
  EventVersion version = EventVersion::v1;
  std::string preimage{}; ///< V2 only: the text itself; hex in JSON
};

/// With digest, and preimage for V2 (spec guest 8.5).
TdxEvent to_tdx_event(const RuntimeEvent& event);
codec::Json to_json(const TdxEvent& event);
codec::Json to_json(const std::vector<TdxEvent>& log);
inline constexpr std::size_t max_events = 65'536; // spec guest 8.1
Result<std::vector<TdxEvent>> log_from_json(const codec::Json& json);

/// Replays one register. Runtime events are hashed anew from name and payload and must agree with
/// their digest when they carry one; other events need their digest.
Result<Sha384Digest> replay(const std::vector<TdxEvent>& log, std::uint32_t imr);

/// A line of runtime_events.log (spec guest 8.1), without the line feed.
std::string to_log_line(const RuntimeEvent& event);
Result<RuntimeEvent> from_log_line(std::string_view line);

/// sha256 of "{}": the policy hash of an app without requirements.gpu_policy (spec guest 21.4).
Sha256Digest empty_gpu_policy_hash();

/// Report data of a quote the guest gives to its host: SHA-512 of "dstack-host-quote:" and a nonce.
/// The tag keeps it apart from every other use (spec guest 9).
std::array<std::uint8_t, 64> host_quote_report_data(ByteView nonce);

/// MRCONFIGID V1: 01 ‖ compose hash ‖ 15 zero bytes (spec guest 20).
Bytes mr_config_id_v1(const Sha256Digest& compose_hash);

/// The registers that identify what booted.
struct TdxRegisters {
  Sha384Digest mrtd{};
  std::array<Sha384Digest, 4> rtmr{};
  Sha384Digest mr_config_id{};
  Sha384Digest mr_owner{};
  Sha384Digest mr_owner_config{};
};
/// spec guest 11.3; key_provider is the payload of that event, empty when there is none.
Sha256Digest mr_system(const TdxRegisters& registers, ByteView key_provider);
Sha256Digest mr_aggregated(const TdxRegisters& registers);

} // namespace dstack::attest
