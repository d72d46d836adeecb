#include "cli/docs/complete.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

using Views = std::vector<const Option*>;

Views all_options(const Leaf& leaf, const std::vector<std::unique_ptr<Option>>& globals)
{
  Views out;
  for (const auto& option : leaf.options())
    if (!option->hidden()) out.push_back(option.get());
  for (const auto& option : globals)
    if (option->title() != "--json" || !leaf.schema().empty()) out.push_back(option.get());
  return out;
}

const Option* find_named(const Views& options, std::string_view name)
{
  for (const Option* option : options)
    for (const std::string& one : option->names())
      if (one == name) return option;
  return nullptr;
}

void keep_matching(std::vector<Candidate>& words, std::string_view start)
{
  std::erase_if(words, [&](const Candidate& one) { return !one.word.starts_with(start); });
}

Completions values_of(Context& ctx, const Option& option, std::string_view start)
{
  Completions out;
  for (const std::string& choice : option.choices())
    out.words.push_back({choice, ""});
  if (option.completer()) out.words = option.completer()(ctx);
  keep_matching(out.words, start);
  if (option.takes() == Takes::file)
    out.directive = ":files";
  else if (option.takes() == Takes::directory)
    out.directive = ":dirs";
  else
    out.directive = ":none";
  return out;
}

/// bash hands "--tee=sim" over as three words; both spellings become "--tee sim".
void join_equals(std::vector<std::string>& words, std::size_t& index)
{
  for (std::size_t i = 1; i < words.size() && i <= index;) {
    if (words[i] != "=" || !words[i - 1].starts_with("--")) {
      ++i;
      continue;
    }
    if (i == index)
      words[i].clear();
    else {
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
      --index;
    }
  }
}

/// The argument at the cursor, counting the words before it that are not options or their values.
const Option* argument_at(const Views& options, const std::vector<std::string>& before)
{
  std::size_t count = 0;
  bool only_arguments = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string& word = before[i];
    if (only_arguments || word.size() < 2 || word.front() != '-') {
      ++count;
      continue;
    }
    only_arguments = word == "--";
    const Option* option = find_named(options, word);
    if (option != nullptr && !option->is_flag()) ++i;
  }
  const Option* last = nullptr;
  for (const Option* option : options) {
    if (!option->positional()) continue;
    if (count == 0) return option;
    --count;
    last = option;
  }
  return last != nullptr && last->is_repeated() ? last : nullptr;
}

Completions option_names(const Views& options, std::string_view start)
{
  Completions out;
  for (const Option* option : options)
    for (const std::string& name : option->names())
      if (name.starts_with("--") || start == name) out.words.push_back({name, option->help()});
  keep_matching(out.words, start);
  return out;
}

Completions complete_leaf(Context& ctx,
                          const Leaf& leaf,
                          const std::vector<std::string>& before,
                          const std::string& word)
{
  Globals unused;
  const auto globals = global_options(unused);
  const Views options = all_options(leaf, globals);
  if (!before.empty())
    if (const Option* option = find_named(options, before.back()); option && !option->is_flag())
      return values_of(ctx, *option, word);
  if (const auto equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
    const Option* option = find_named(options, word.substr(0, equals));
    if (option == nullptr || option->is_flag()) return {{}, ":none"};
    Completions out = values_of(ctx, *option, word.substr(equals + 1));
    for (Candidate& one : out.words)
      one.word.insert(0, word.substr(0, equals + 1));
    return out;
  }
  if (word.starts_with("-")) return option_names(options, word);
  const Option* argument = argument_at(options, before);
  return argument == nullptr ? Completions{{}, ":none"} : values_of(ctx, *argument, word);
}

Completions command_words(const Tree& tree, std::string_view group, const std::string& word)
{
  Completions out;
  if (word.starts_with("-")) {
    Globals unused;
    for (const auto& option : global_options(unused))
      out.words.push_back({option->title(), option->help()});
    if (group.empty()) out.words.push_back({"--version", "Show the version"});
  } else {
    out.words = tree.words(group);
  }
  keep_matching(out.words, word);
  return out;
}

} // namespace

Completions complete(Context& ctx, std::vector<std::string> words, std::size_t index)
{
  if (index == 0 || index > words.size()) return {{}, ":none"};
  words.resize(index + 1);
  join_equals(words, index);
  words.resize(index + 1);
  const std::string word = words[index];
  std::size_t at = 1;
  while (at < index && words[at].starts_with("-"))
    at += words[at] == "--color" || words[at] == "--config" ? 2U : 1U;
  const auto cursor = words.begin() + static_cast<std::ptrdiff_t>(index);
  const std::vector<std::string> typed{
      words.begin() + static_cast<std::ptrdiff_t>(std::min(at, index)), cursor};
  const Walk walk = ctx.tree().walk(typed);
  if (walk.leaf != nullptr)
    return complete_leaf(ctx, *walk.leaf,
                         {typed.begin() + static_cast<std::ptrdiff_t>(walk.used), typed.end()},
                         word);
  if (walk.used == typed.size()) return command_words(ctx.tree(), walk.group, word);
  return {{}, ":none"};
}

std::string completions_text(const Completions& completions)
{
  std::string out;
  for (const Candidate& one : completions.words)
    out += fmt::format("{}\t{}\n", one.word, one.about);
  if (!completions.directive.empty()) out += completions.directive + "\n";
  return out;
}

} // namespace dstack::cli
