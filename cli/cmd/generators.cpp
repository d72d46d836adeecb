#include "cli/cmd/add.hpp"
#include "cli/docs/complete.hpp"
#include "cli/docs/man.hpp"
#include "codec/json_list.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string target;
  std::vector<std::string> words;
};

Status write_files(const std::vector<GeneratedFile>& files, const sys::fs::path& directory)
{
  TRY(sys::make_directories(directory, sys::Privacy::shared));
  for (const GeneratedFile& file : files)
    TRY(sys::write_file_atomic(directory / file.name, as_bytes(file.text), sys::Privacy::shared));
  return ok();
}

Result<Exit> answer_completion(const Options& o, Context& ctx)
{
  const auto index = TRY(parse_u64(o.target));
  ctx.ui().raw(completions_text(complete(ctx, o.words, static_cast<std::size_t>(index))));
  return Exit::ok;
}

codec::Json option_json(const Option& option)
{
  return codec::Json::object()
      .set("names", codec::list_of(option.names()))
      .set("value", option.value())
      .set("help", option.help())
      .set("required", option.is_required())
      .set("repeats", option.is_repeated())
      .set("default", option.fallback())
      .set("environment", option.shown_env())
      .set("choices", codec::list_of(option.choices()));
}

codec::Json leaf_json(const Leaf& leaf)
{
  codec::Json options = codec::Json::array();
  for (const auto& option : leaf.options())
    if (!option->hidden()) options.push(option_json(*option));
  codec::Json examples = codec::Json::array();
  for (const Example& example : leaf.examples())
    examples.push(example.line);
  return codec::Json::object()
      .set("command", leaf.title())
      .set("summary", leaf.summary())
      .set("schema", leaf.schema())
      .set("options", options)
      .set("examples", examples);
}

Result<Exit> list_commands(Context& ctx)
{
  codec::Json commands = codec::Json::array();
  for (const auto& leaf : ctx.tree().leaves())
    if (!leaf->hidden()) commands.push(leaf_json(*leaf));
  ctx.ui().document(
      codec::Json::object().set("schema", "dstack.commands/1").set("commands", commands));
  return Exit::ok;
}

} // namespace

void add_generators(Tree& tree)
{
  auto man = std::make_shared<Options>();
  Leaf& pages = tree.leaf("__man", "Write the manual pages into a directory");
  pages.argument("DIR", man->target, "Where to").required();
  pages.hide().runs([man](Context& ctx) -> Result<Exit> {
    TRY(write_files(manual_pages(ctx.tree()), man->target));
    return Exit::ok;
  });

  auto shells = std::make_shared<Options>();
  Leaf& scripts = tree.leaf("__completions", "Write the completion scripts into a directory");
  scripts.argument("DIR", shells->target, "Where to").required();
  scripts.hide().runs([shells](Context&) -> Result<Exit> {
    TRY(write_files(completion_files(), shells->target));
    return Exit::ok;
  });

  auto words = std::make_shared<Options>();
  Leaf& prompt = tree.leaf("__complete", "Answer a completion question of a shell");
  prompt.argument("N", words->target, "Index of the word at the cursor").required();
  prompt.arguments("WORD", words->words, "The command line");
  prompt.hide().takes_words().runs(
      [words](Context& ctx) { return answer_completion(*words, ctx); });

  auto line = std::make_shared<Options>();
  Leaf& check = tree.leaf("__parse", "Say whether a command line is understood");
  check.arguments("WORD", line->words, "The words after dstack");
  check.hide().takes_words().runs([line](Context& ctx) -> Result<Exit> {
    Globals globals;
    static_cast<void>(TRY(parse(ctx.tree(), line->words, globals, ctx.environment())));
    return Exit::ok;
  });

  tree.leaf("__commands", "Print the command tree as JSON").hide().runs(list_commands);
}

} // namespace dstack::cli
