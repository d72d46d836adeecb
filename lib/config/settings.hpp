#pragma once
/// The settings a person or a machine's owner may change, declared once. The table feeds the
/// loader, the command line's defaults, `dstack config show` and the manual.

#include <span>
#include <string_view>

namespace dstack::config {

enum class Kind {
  text,     ///< anything on one line, may be empty when the default is
  path,     ///< a file name, empty for "find it"
  url,      ///< http:// or https://, may be empty when the default is
  count,    ///< a whole number, 1 or more
  size,     ///< "512M", "2G"
  duration, ///< "90s", "5m"
  choice,   ///< one of a few words
  list      ///< words; in the environment separated by commas
};

struct Setting {
  std::string_view key;          ///< "vm.cpus"
  Kind kind = Kind::text;        ///< how its text is read
  std::string_view fallback;     ///< built-in value, as it would be typed
  std::string_view environment;  ///< "DSTACK_VM_CPUS"
  std::string_view help;         ///< one line
  std::string_view choices = {}; ///< for Kind::choice: "auto,tdx,sim"
};

/// Every setting, in the order in which it is shown.
std::span<const Setting> settings();
/// The setting of that key, or nullptr.
const Setting* find_setting(std::string_view key);
/// "a number", "a size such as 2G", for messages and the manual.
std::string_view describe(Kind kind);

} // namespace dstack::config
