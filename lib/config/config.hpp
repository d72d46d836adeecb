#pragma once
/// Settled configuration: built-in < system file < user's file < environment < command line. Pure:
/// the caller reads the files and hands in their text.

#include "base/result.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dstack::config {

enum class Presence { optional, required };

/// A file to read before load(), lowest precedence first.
struct FilePlan {
  std::string path;
  Presence presence = Presence::optional;
};

/// Which files count: --config, else DSTACK_CONFIG, else the system's file and the user's. An empty
/// argument means "not given"; user_directory is $XDG_CONFIG_HOME/dstack.
std::vector<FilePlan> plan_files(std::string_view config_flag,
                                 std::string_view config_variable,
                                 std::string_view user_directory);

struct File {
  std::string path; ///< as shown in messages
  std::string text;
};

/// One setting given on the command line.
struct Override {
  std::string key;
  std::string flag; ///< "--cpus", as shown in messages
  std::string text;
};

struct Inputs {
  std::vector<File> files; ///< those that exist, lowest precedence first
  std::function<std::string(const char*)> environment; ///< empty text when unset
  std::vector<Override> flags;
};

enum class Layer { built_in, file, environment, flag };

struct Value {
  const Setting* setting = nullptr;
  std::string text;               ///< as it would be typed; lists joined by commas
  std::vector<std::string> items; ///< for Kind::list
  Layer layer = Layer::built_in;
  std::string origin; ///< "built-in", "/etc/dstack/dstack.toml:3", "DSTACK_VM_CPUS", "--cpus"
};

class Config {
public:
  /// Errc::config (for flags Errc::usage) naming the place, the value and what was wanted.
  static Result<Config> load(const Inputs& inputs);

  /// In the order of settings(): what `config show` prints.
  const std::vector<Value>& values() const { return values_; }

  /// Keys are those of settings(); asking for another, or with the wrong kind, is our bug and
  /// aborts. All values were checked by load().
  const Value& value(std::string_view key) const;
  const std::string& text(std::string_view key) const { return value(key).text; }
  std::uint64_t count(std::string_view key) const;
  std::uint64_t bytes(std::string_view key) const;
  std::uint64_t duration_ms(std::string_view key) const;
  const std::vector<std::string>& list(std::string_view key) const;

private:
  Config() = default;
  std::vector<Value> values_;
};

} // namespace dstack::config
