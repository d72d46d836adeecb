#pragma once
/// What an operator should see before a policy is used: what it lets through widely, and what
/// another version of it changes.

#include "codec/json.hpp"
#include "kms/policy.hpp"

namespace dstack::kms {

struct Warning {
  unsigned line = 0; ///< 0: the file as a whole
  std::string text{};
};
/// Well-formed, but probably not meant, or wider than production should be. In order of lines.
std::vector<Warning> warnings_of(const Policy& policy);

enum class Effect {
  wider,   ///< lets through what was refused before
  tighter, ///< refuses what was let through before
  other    ///< neither, or not known
};
std::string_view name_of(Effect effect);

struct PolicyChange {
  Effect effect = Effect::other;
  std::string what{};   ///< "app a1a1… (shop): compose", "evidence.tcb"
  std::string before{}; ///< empty when it is new
  std::string after{};  ///< empty when it is gone
};
std::vector<PolicyChange> changes_between(const Policy& before, const Policy& after);
/// "+ app a1a1… (shop): compose c1c1…"
std::string to_line(const PolicyChange& change);
codec::Json to_json(const PolicyChange& change);

} // namespace dstack::kms
