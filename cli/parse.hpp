#pragma once
/// Command line -> the command it names, with every option stored. Nothing runs here.

#include "cli/tree.hpp"

namespace dstack::cli {

/// Options every command understands.
struct Globals {
  bool help = false;
  bool version = false;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_input = false;
  std::string color = "auto";
  std::string config;
};

/// The global options, storing into globals.
std::vector<std::unique_ptr<Option>> global_options(Globals& globals);

using Environment = std::function<std::string(const char*)>;

/// What the command line asks for.
struct Request {
  enum class Kind { run, help, misused, version };
  Kind kind = Kind::run;
  const Leaf* leaf = nullptr; ///< run, or help for this command
  std::string group;          ///< help for this group when there is no leaf; empty is the root
};

/// args without the program's name. On failure globals hold what was understood before it.
Result<Request> parse(const Tree& tree,
                      const std::vector<std::string>& args,
                      Globals& globals,
                      const Environment& environment);

} // namespace dstack::cli
