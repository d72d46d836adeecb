#pragma once
/// One option or argument of a command: everything help, man pages, completion and the parser need.

#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dstack::cli {

class Context;

/// A word offered at the shell prompt, and what it is.
struct Candidate {
  std::string word;
  std::string about;
};

/// Looks up words that exist only at run time (VM names, images): local, quick, silent on failure.
using Completer = std::function<std::vector<Candidate>(Context&)>;

enum class Takes { flag, text, file, directory };

class Option {
public:
  using Store = std::function<Status(const std::vector<std::string>&)>;

  Option(
      std::vector<std::string> names, Takes takes, std::string value, std::string help, Store store)
      : names_(std::move(names)), takes_(takes), value_(std::move(value)), help_(std::move(help)),
        store_(std::move(store))
  {
  }

  Option& required()
  {
    required_ = true;
    return *this;
  }
  Option& repeats()
  {
    repeats_ = true;
    return *this;
  }
  Option& choices(std::vector<std::string> values)
  {
    choices_ = std::move(values);
    return *this;
  }
  Option& completes(Completer completer)
  {
    completer_ = std::move(completer);
    return *this;
  }
  /// Taken when the option is absent and the variable is set and not empty.
  Option& env(std::string name)
  {
    env_ = std::move(name);
    return *this;
  }
  /// Shown like env(), but read by the configuration loader, not here.
  Option& setting_env(std::string name)
  {
    shown_env_ = std::move(name);
    return *this;
  }
  /// Shown as the default; the target already holds it.
  Option& fallback(std::string shown)
  {
    fallback_ = std::move(shown);
    return *this;
  }
  /// For tests: not shown in help, man pages or completion.
  Option& hide()
  {
    hidden_ = true;
    return *this;
  }
  /// Heading in the help and the man page; empty is "Options".
  Option& group(std::string heading)
  {
    group_ = std::move(heading);
    return *this;
  }

  bool positional() const { return names_.empty(); }
  bool is_flag() const { return takes_ == Takes::flag; }
  bool is_required() const { return required_; }
  bool is_repeated() const { return repeats_; }
  bool hidden() const { return hidden_; }
  /// "-f" and "--follow"; empty for an argument.
  const std::vector<std::string>& names() const { return names_; }
  /// The longest name, or the value's name for an argument.
  const std::string& title() const { return names_.empty() ? value_ : names_.back(); }
  Takes takes() const { return takes_; }
  const std::string& value() const { return value_; }
  const std::string& help() const { return help_; }
  const std::string& env() const { return env_; }
  const std::string& shown_env() const { return env_.empty() ? shown_env_ : env_; }
  const std::string& fallback() const { return fallback_; }
  const std::string& group() const { return group_; }
  const std::vector<std::string>& choices() const { return choices_; }
  const Completer& completer() const { return completer_; }
  Status store(const std::vector<std::string>& values) const { return store_(values); }

private:
  std::vector<std::string> names_;
  Takes takes_;
  std::string value_;
  std::string help_;
  Store store_;
  std::string env_;
  std::string shown_env_;
  std::string fallback_;
  std::string group_;
  std::vector<std::string> choices_;
  Completer completer_;
  bool required_ = false;
  bool repeats_ = false;
  bool hidden_ = false;
};

} // namespace dstack::cli
