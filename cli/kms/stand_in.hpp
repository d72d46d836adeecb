#pragma once
/// Who attests a KMS on this machine: its guest agent, or, where there is none, `dstack simulate`'s
/// answers for an app "dstack-kms". The latter is for development: no hardware vouches for it.

#include "cli/simulate/agent.hpp"
#include "kms/settings.hpp"

namespace dstack::cli {

class KmsAttester {
public:
  /// given: --agent, over the settings'. Without a guest agent one is played on a socket in
  /// directory for as long as this lives.
  static Result<std::unique_ptr<KmsAttester>> find(sys::Loop& loop,
                                                   const Context& ctx,
                                                   const sys::fs::path& directory,
                                                   const kms::Settings& settings,
                                                   const std::string& given);
  const std::string& address() const { return address_; }
  bool simulated() const { return played_ != nullptr; }
  /// Adds the members "agent" and "simulated_tee" to what dstack-kms is started with.
  void describe(codec::Json& settings) const;

private:
  KmsAttester() = default;

  std::string address_;
  sys::fs::path simulated_tee_;
  std::unique_ptr<PlayedAgent> played_;
};

inline constexpr std::string_view kms_stand_in_note =
    "a development arrangement: this machine has no guest agent, so the KMS attests itself through "
    "a simulated TEE. No hardware vouches for it";

} // namespace dstack::cli
