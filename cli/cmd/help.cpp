#include "cli/docs/help.hpp"

#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "cli/docs/topics.hpp"
#include "cli/ui/table.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::vector<std::string> words;
};

Error no_such_topic(const Tree& tree, const std::string& word)
{
  std::vector<std::string> known;
  for (const Candidate& one : tree.words(""))
    known.push_back(one.word);
  for (const Topic& topic : help_topics())
    known.push_back(topic.name);
  const auto close = nearest(word, known);
  return fail(Errc::usage, "no help for '{}'\n{}", word,
              close ? fmt::format("did you mean 'dstack help {}'?", *close)
                    : "'dstack help' lists commands and topics");
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const std::size_t width = ctx.ui().style().width;
  if (o.words.empty()) {
    ctx.ui().raw(help_text(ctx.tree(), nullptr, "", width));
    return Exit::ok;
  }
  if (const Leaf* leaf = ctx.tree().find(o.words)) {
    ctx.ui().raw(help_text(ctx.tree(), leaf, "", width));
    return Exit::ok;
  }
  if (const std::string group = join(o.words, " "); ctx.tree().find_group(group) != nullptr) {
    ctx.ui().raw(help_text(ctx.tree(), nullptr, group, width));
    return Exit::ok;
  }
  if (const Topic* topic = find_topic(o.words[0]); topic != nullptr && o.words.size() == 1) {
    ctx.ui().raw(fmt::format("{}\n\n{}", topic->summary,
                             wrap(topic->text, 0, std::min<std::size_t>(width, 100))));
    return Exit::ok;
  }
  return no_such_topic(ctx.tree(), o.words.back());
}

std::vector<Candidate> commands_and_topics(Context& ctx)
{
  std::vector<Candidate> out = ctx.tree().words("");
  for (const Topic& topic : help_topics())
    out.push_back({topic.name, topic.summary});
  return out;
}

} // namespace

void add_help(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("help", "Show help for a command or a topic");
  leaf.arguments("COMMAND|TOPIC", o->words, "What to explain; nothing lists everything")
      .completes(commands_and_topics);
  leaf.example("dstack help deploy", "The same as dstack deploy --help")
      .example("dstack help app pack", "A command of a group")
      .example("dstack help exit-codes", "A topic")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
