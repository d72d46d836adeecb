#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "cli/docs/man.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string shell;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const std::string name = o.shell == "zsh" ? "_dstack" : "dstack." + o.shell;
  for (const GeneratedFile& file : completion_files())
    if (file.name == name) ctx.ui().raw(file.text);
  return Exit::ok;
}

} // namespace

void add_completion(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("completion", "Print the completion script for a shell");
  leaf.argument("SHELL", o->shell, "The shell").required().choices({"bash", "zsh", "fish"});
  leaf.describe("The script asks dstack itself for the words, so it never goes out of date. VM and "
                "image names are completed, too.")
      .example("dstack completion bash", "For example: source <(dstack completion bash)")
      .example("dstack completion zsh",
               "Put it into a file called _dstack in a directory of $fpath")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
