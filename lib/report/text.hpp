#pragma once
/// Verdicts for a person at a terminal.

#include "verify/verdict.hpp"

#include <functional>

namespace dstack::report {

enum class Tone { plain, good, warn, bad, dim, bold };

struct TextStyle {
  bool verbose = false; ///< also the checks that passed, and what was counted
  /// How a tone is shown; leaves text alone when empty.
  std::function<std::string(Tone, std::string_view)> paint{};
};

/// Several lines: the answer first, then chain, facts and checks.
std::string to_text(const verify::Verdict& verdict, const TextStyle& style);
/// One check, with what was expected and seen unless it passed and style is not verbose.
std::string to_text(const verify::Check& check, const TextStyle& style);
/// One line, for many inputs.
std::string to_line(const verify::Verdict& verdict, const TextStyle& style);

inline constexpr std::string_view simulated_label =
    "SIMULATED: no TEE hardware vouches for this; nothing here is confidential";

} // namespace dstack::report
