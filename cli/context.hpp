#pragma once
/// What a command may use of the world; handed down by reference, replaced in tests.

#include "base/text.hpp"
#include "cli/parse.hpp"
#include "cli/ui/console.hpp"
#include "sys/files.hpp"

namespace dstack::cli {

class Context {
public:
  Context(const Tree& tree, Globals globals, Console& console, Environment environment);

  const Tree& tree() const { return tree_; }
  const Globals& globals() const { return globals_; }
  Console& ui() { return console_; }
  std::string env(const char* name) const { return environment_(name); }
  const Environment& environment() const { return environment_; }
  const sys::Directories& dirs() const { return dirs_; }
  sys::fs::path vms_dir() const { return dirs_.state / "vms"; }
  sys::fs::path images_dir() const { return dirs_.data / "images"; }
  /// Current time of day, for names and labels only.
  Time now() const;
  /// A program of ours, beside this executable: ../libexec/dstack/<name>.
  Result<sys::fs::path> helper(std::string_view name) const;
  /// Data that ships with dstack (the OS recipe): from the source tree or ../share/dstack.
  Result<sys::fs::path> shared_data(std::string_view name) const;
  /// Questions may be asked: stdin and stderr are terminals, no --no-input, no CI.
  bool may_ask() const;
  /// Asks on the terminal; true only for "y" or "yes".
  bool confirm(std::string_view question);

private:
  const Tree& tree_;
  Globals globals_;
  Console& console_;
  Environment environment_;
  sys::Directories dirs_;
};

} // namespace dstack::cli
