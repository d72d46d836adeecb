#include "cli/docs/help.hpp"

#include "base/text.hpp"
#include "cli/docs/topics.hpp"
#include "cli/ui/table.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

constexpr std::size_t option_column = 30;
constexpr std::size_t command_column = 16;

std::string examples_of(const Leaf& leaf, std::size_t width)
{
  std::string out = "\nExamples:\n";
  for (const Example& example : leaf.examples()) {
    out += "  " + example.line + "\n";
    out += wrap(example.about, 6, width);
  }
  return out;
}

std::string
options_of(std::string_view heading, const std::vector<const Option*>& options, std::size_t width)
{
  std::string out = fmt::format("\n{}:\n", heading);
  for (const Option* option : options)
    out += definition(option_label(*option), option_about(*option), option_column, width);
  return out;
}

std::string leaf_help(const Leaf& leaf, std::size_t width)
{
  std::string out = fmt::format("{}\n\nUsage: {}\n", leaf.summary(), usage_line(leaf));
  if (!leaf.examples().empty()) out += examples_of(leaf, width);
  std::vector<const Option*> arguments;
  for (const auto& option : leaf.options())
    if (option->positional()) arguments.push_back(option.get());
  if (!arguments.empty()) out += options_of("Arguments", arguments, width);
  for (const auto& [heading, options] : option_groups(leaf))
    out += options_of(heading, options, width);

  Globals globals;
  const auto common = global_options(globals);
  std::vector<const Option*> shown;
  for (const auto& option : common)
    if (option->title() != "--json" || !leaf.schema().empty()) shown.push_back(option.get());
  out += options_of("Common options", shown, width);
  if (!leaf.description().empty()) out += "\n" + wrap(leaf.description(), 0, width);
  return out;
}

std::string list_commands(const std::vector<Candidate>& words, std::size_t width)
{
  std::string out;
  for (const Candidate& word : words)
    out += definition(word.word, word.about, command_column, width);
  return out;
}

std::string group_help(const Tree& tree, const Group& group, std::size_t width)
{
  return fmt::format("{}\n\nUsage: dstack {} COMMAND\n\nCommands:\n{}\n"
                     "'dstack {} COMMAND --help' says more about one of them.\n",
                     group.summary, group.name, list_commands(tree.words(group.name), width),
                     group.name);
}

std::string root_help(const Tree& tree, std::size_t width)
{
  std::string topics;
  for (const Topic& topic : help_topics())
    topics += definition(topic.name, topic.summary, command_column, width);
  return fmt::format(
      "Run Docker Compose apps in confidential VMs that prove what they run\n\n"
      "Usage: dstack COMMAND\n\n"
      "Examples:\n"
      "  dstack os build                Build the guest OS (once)\n"
      "  dstack deploy compose.yaml     Boot the app in a VM and print its URL\n"
      "  dstack ps                      Show what is running\n\n"
      "Commands:\n{}\nHelp topics (dstack help TOPIC):\n{}\n"
      "'dstack COMMAND --help' says more about one of them. Without TEE hardware VMs are\n"
      "simulated, and everything that shows evidence says so (dstack help simulated).\n",
      list_commands(tree.words(""), width), topics);
}

} // namespace

std::string usage_line(const Leaf& leaf)
{
  std::string out = "dstack " + leaf.title() + " [OPTIONS]";
  for (const auto& option : leaf.options()) {
    if (!option->positional()) continue;
    const std::string name = option->value() + (option->is_repeated() ? "..." : "");
    out += option->is_required() ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string option_label(const Option& option)
{
  if (option.positional()) return option.value() + (option.is_repeated() ? "..." : "");
  const auto& names = option.names();
  std::string out = names.front().starts_with("--") ? "    " : "";
  out += join(names, ", ");
  if (!option.is_flag()) out += " " + option.value();
  return out;
}

std::string option_about(const Option& option)
{
  std::string out = option.help();
  if (!option.choices().empty()) out += ": " + join(option.choices(), ", ");
  if (!option.fallback().empty()) out += fmt::format(" [default: {}]", option.fallback());
  if (!option.shown_env().empty()) out += fmt::format(" [{}]", option.shown_env());
  if (option.is_repeated() && !option.positional()) out += " (may be repeated)";
  return out;
}

std::vector<std::pair<std::string, std::vector<const Option*>>> option_groups(const Leaf& leaf)
{
  std::vector<std::pair<std::string, std::vector<const Option*>>> out;
  for (const auto& option : leaf.options()) {
    if (option->positional() || option->hidden()) continue;
    const std::string heading = option->group().empty() ? "Options" : option->group();
    const auto at =
        std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == heading; });
    if (at != out.end())
      at->second.push_back(option.get());
    else
      out.push_back({heading, {option.get()}});
  }
  std::stable_partition(out.begin(), out.end(),
                        [](const auto& one) { return one.first == "Options"; });
  return out;
}

std::string help_text(const Tree& tree, const Leaf* leaf, std::string_view group, std::size_t width)
{
  const std::size_t used = std::min<std::size_t>(width, 100);
  if (leaf != nullptr) return leaf_help(*leaf, used);
  if (const Group* one = tree.find_group(group)) return group_help(tree, *one, used);
  return root_help(tree, used);
}

} // namespace dstack::cli
