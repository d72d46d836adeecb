/// dstack: reads the command line, runs one command, turns its outcome into an exit status.

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/docs/help.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>

namespace {

using dstack::cli::Exit;

std::string environment(const char* name)
{
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int status(Exit exit)
{
  return static_cast<int>(exit);
}

int report(dstack::cli::Console& console, const dstack::Error& error)
{
  console.error(error);
  return status(dstack::cli::exit_of(error.code()));
}

int answer(const dstack::cli::Tree& tree,
           const dstack::cli::Request& request,
           dstack::cli::Globals globals,
           dstack::cli::Console& console)
{
  using Kind = dstack::cli::Request::Kind;
  const std::size_t width = console.style().width;
  switch (request.kind) {
  case Kind::version:
    console.raw("dstack " DSTACK_VERSION "\n");
    return status(Exit::ok);
  case Kind::help:
    console.raw(help_text(tree, request.leaf, request.group, width));
    return status(Exit::ok);
  case Kind::misused:
    console.raw_error(help_text(tree, request.leaf, request.group, width));
    return status(Exit::usage);
  case Kind::run:
    break;
  }
  dstack::cli::Context context{tree, std::move(globals), console, environment};
  const auto outcome = request.leaf->action()(context);
  return outcome ? status(*outcome) : report(console, outcome.error());
}

int run(const std::vector<std::string>& args)
{
  // A closed pipe is seen as a failed write, a dead peer as a failed send.
  std::signal(SIGPIPE, SIG_IGN);
  dstack::cli::Tree tree;
  dstack::cli::add_commands(tree);
  dstack::cli::Globals globals;
  const auto request = parse(tree, args, globals, environment);
  auto style = dstack::cli::console_style(globals.color, environment);
  style.json = globals.json;
  style.quiet = globals.quiet;
  style.verbose = globals.verbose;
  dstack::cli::Console console{stdout, stderr, style};
  if (!request) return report(console, request.error());
  return answer(tree, *request, std::move(globals), console);
}

} // namespace

int main(int argc, char** argv)
{
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dstack: internal error, please report: %s\n", error.what());
    return status(Exit::bug);
  }
}
