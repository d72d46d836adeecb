#pragma once
/// Where collateral comes from and whom to trust, as options: the same for every command that
/// judges evidence.

#include "cli/settings.hpp"
#include "cli/verify/runner.hpp"
#include "report/text.hpp"

namespace dstack::cli {

struct TrustOptions {
  SettingOptions settings;
  std::string collateral;
  std::string root;
  std::string update = "standard";
  bool offline = false;
};

void add_trust_options(Leaf& leaf, TrustOptions& options);

/// Reads the files the options name. The simulated TEE of this machine is trusted when the
/// question's policy allows one.
Result<Session>
open_session(const TrustOptions& options, verify::Question question, const Context& ctx);

/// Verdicts and checks on this console.
report::TextStyle report_style(Context& ctx);

} // namespace dstack::cli
