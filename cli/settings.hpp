#pragma once
/// Configuration for a command: the settings table as options, and the values that result.

#include "cli/context.hpp"
#include "config/config.hpp"

namespace dstack::cli {

/// Options given on the command line that override settings.
class SettingOptions {
public:
  /// Declares an option for that setting, with help, default, choices and variable of the table.
  Option& add(Leaf& leaf, std::string names, std::string_view key);
  std::vector<config::Override> given() const;

private:
  struct Entry {
    std::string key;
    std::string flag;
    std::string text;
    std::vector<std::string> items;
  };
  std::vector<std::unique_ptr<Entry>> entries_;
};

/// Makes this process and the supervisors it starts use the programs the settings name.
void use_programs(const config::Config& config);

/// Files, environment and the given options, checked.
Result<config::Config> load_config(const Context& ctx, const SettingOptions& options);

} // namespace dstack::cli
