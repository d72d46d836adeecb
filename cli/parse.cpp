#include "cli/parse.hpp"

#include "base/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>

namespace dstack::cli {

namespace {

using Options = std::vector<const Option*>;

std::vector<const Option*> options_of(const Leaf& leaf,
                                      const std::vector<std::unique_ptr<Option>>& globals)
{
  Options out;
  for (const auto& option : leaf.options())
    out.push_back(option.get());
  for (const auto& option : globals) {
    // --json is offered only where a document is printed.
    if (option->title() == "--json" && leaf.schema().empty()) continue;
    out.push_back(option.get());
  }
  return out;
}

const Option* find_option(const Options& options, std::string_view name)
{
  for (const Option* option : options)
    for (const std::string& one : option->names())
      if (one == name) return option;
  return nullptr;
}

Error unknown_option(std::string_view word, const Options& options, const std::string& command)
{
  const std::string name{word.substr(0, word.find('='))};
  std::vector<std::string> known;
  for (const Option* option : options)
    for (const std::string& one : option->names())
      if (one.starts_with("--")) known.push_back(one.substr(2));
  const auto close =
      nearest(name.substr(std::min(name.find_first_not_of('-'), name.size())), known);
  return fail(Errc::usage, "unknown option {}{}\nsee {} --help", name,
              close ? fmt::format(", did you mean --{}?", *close) : "", command);
}

Status check_choice(const Option& option, const std::vector<std::string>& values)
{
  if (option.choices().empty()) return ok();
  for (const std::string& value : values) {
    const auto& all = option.choices();
    if (std::find(all.begin(), all.end(), value) == all.end())
      return fail(Errc::usage, "{}: '{}' is none of {}", option.title(), value, join(all, ", "));
  }
  return ok();
}

Status store(const Option& option,
             std::vector<std::string> values,
             bool given,
             const Environment& environment)
{
  std::string from = option.title();
  if (!given && !option.env().empty()) {
    const std::string value = environment(option.env().c_str());
    given = !value.empty();
    if (given) {
      values = {value};
      from = option.env();
    }
  }
  if (!given) {
    if (option.is_required()) return fail(Errc::usage, "{} is missing", option.title());
    return ok();
  }
  TRY(check_choice(option, values));
  const Status stored = option.store(values);
  if (!stored) return fail(Errc::usage, "{}: {}", from, stored.error().message());
  return ok();
}

/// The CLI11 side of one command: declares its options, parses, reads the values back.
class Parser {
public:
  explicit Parser(const Options& options) : options_(options)
  {
    app_.set_help_flag();
    app_.allow_extras();
    for (std::size_t i = 0; i < options_.size(); ++i)
      parsed_.push_back(declare(*options_[i], i));
  }

  Status parse(std::vector<std::string> args, const std::string& command)
  {
    std::reverse(args.begin(), args.end()); // CLI11 takes the last word first
    try {
      app_.parse(args);
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string_view text = error.what();
      const std::string_view name = text.substr(0, text.find(':'));
      const bool more = text.find("At Most") != std::string_view::npos;
      return fail(Errc::usage, "{} {}\nsee {} --help", name,
                  more ? "is given more than once" : "needs a value", command);
    } catch (const CLI::ParseError& error) {
      return fail(Errc::usage, "{}\nsee {} --help", error.what(), command);
    }
    for (const std::string& extra : app_.remaining()) {
      if (extra == "--") continue; // CLI11 lists the mark itself, too
      if (extra.size() > 1 && extra.front() == '-') return unknown_option(extra, options_, command);
      return fail(Errc::usage, "'{}' is one argument too many\nsee {} --help", extra, command);
    }
    return ok();
  }

  Status store_all(const Environment& environment) const
  {
    for (std::size_t i = 0; i < options_.size(); ++i)
      TRY(store(*options_[i], parsed_[i]->results(), parsed_[i]->count() > 0, environment));
    return ok();
  }

private:
  CLI::Option* declare(const Option& option, std::size_t index)
  {
    const std::string names =
        option.positional() ? fmt::format("arg{}", index) : join(option.names(), ",");
    if (option.is_flag()) return app_.add_flag(names)->disable_flag_override();
    CLI::Option* declared = app_.add_option(names);
    if (option.is_repeated())
      declared->expected(1, std::numeric_limits<int>::max())->allow_extra_args(option.positional());
    else
      declared->expected(1);
    return declared->option_text(option.value());
  }

  Options options_;
  CLI::App app_;
  std::vector<CLI::Option*> parsed_;
};

/// Moves the options that stand before the command into `front`; returns where the command begins.
Result<std::size_t> skip_front(const std::vector<std::string>& args,
                               const Options& globals,
                               std::vector<std::string>& front)
{
  std::size_t at = 0;
  while (at < args.size() && args[at].size() > 1 && args[at].front() == '-') {
    const std::string& word = args[at];
    const Option* option = find_option(globals, std::string_view{word}.substr(0, word.find('=')));
    if (option == nullptr) return unknown_option(word, globals, "dstack");
    front.push_back(word);
    ++at;
    if (option->is_flag() || word.find('=') != std::string::npos) continue;
    if (at == args.size()) return fail(Errc::usage, "{} needs a value", option->title());
    front.push_back(args[at++]);
  }
  return at;
}

Error unknown_command(const Tree& tree, const std::string& group, const std::string& word)
{
  std::vector<std::string> known;
  for (const Candidate& one : tree.words(group))
    known.push_back(one.word);
  const std::string command = group.empty() ? "dstack" : "dstack " + group;
  std::string hint = fmt::format("see {} --help", command);
  if (const auto close = nearest(word, known))
    hint = fmt::format("did you mean '{} {}'?", command, *close);
  return fail(Errc::usage, "'{} {}' is not a command\n{}", command, word, hint);
}

bool asks_help(const std::vector<std::string>& args)
{
  for (const std::string& word : args) {
    if (word == "--") return false;
    if (word == "-h" || word == "--help") return true;
  }
  return false;
}

} // namespace

std::vector<std::unique_ptr<Option>> global_options(Globals& globals)
{
  std::vector<std::unique_ptr<Option>> out;
  const auto flag = [&](std::vector<std::string> names, bool& target, std::string help) {
    out.push_back(std::make_unique<Option>(std::move(names), Takes::flag, "", std::move(help),
                                           [&target](const std::vector<std::string>&) -> Status {
                                             target = true;
                                             return ok();
                                           }));
  };
  const auto text = [&](std::string name, Takes takes, std::string value, std::string& target,
                        std::string help) -> Option& {
    out.push_back(std::make_unique<Option>(
        std::vector<std::string>{std::move(name)}, takes, std::move(value), std::move(help),
        [&target](const std::vector<std::string>& values) -> Status {
          target = values.back();
          return ok();
        }));
    return *out.back();
  };
  flag({"--json"}, globals.json, "Print one JSON document on stdout; errors as JSON on stderr");
  flag({"-q", "--quiet"}, globals.quiet, "Only what was asked for: ids, no progress");
  flag({"-v", "--verbose"}, globals.verbose, "More detail on stderr");
  flag({"--no-input"}, globals.no_input, "Never ask; fail where an answer would be needed");
  text("--color", Takes::text, "WHEN", globals.color, "Colours on terminals")
      .choices({"auto", "always", "never"})
      .fallback("auto");
  text("--config", Takes::file, "FILE", globals.config,
       "Read this configuration file instead of the usual ones")
      .env("DSTACK_CONFIG");
  flag({"-h", "--help"}, globals.help, "Show this help");
  return out;
}

Result<Request> parse(const Tree& tree,
                      const std::vector<std::string>& args,
                      Globals& globals,
                      const Environment& environment)
{
  // Known before anything can fail, so that the failure is printed in the form asked for.
  globals.json = std::find(args.begin(), args.end(), "--json") != args.end();
  const auto common = global_options(globals);
  Options views;
  for (const auto& option : common)
    views.push_back(option.get());

  if (!args.empty() && (args.front() == "--version" || args.front() == "-V"))
    return Request{Request::Kind::version, nullptr, ""};
  std::vector<std::string> words;
  std::size_t at = TRY(skip_front(args, views, words));
  const std::vector<std::string> rest{args.begin() + static_cast<std::ptrdiff_t>(at), args.end()};
  const bool help = asks_help(args);
  if (rest.empty())
    return Request{help ? Request::Kind::help : Request::Kind::misused, nullptr, ""};

  const auto [leaf, group, used] = tree.walk(rest);
  if (leaf == nullptr) {
    if (used == rest.size() || (used > 0 && rest[used].starts_with('-')))
      return Request{help ? Request::Kind::help : Request::Kind::misused, nullptr, group};
    return unknown_command(tree, group, rest[used]);
  }
  if (help && !leaf->words_only()) return Request{Request::Kind::help, leaf, group};
  if (leaf->words_only()) words.emplace_back("--");
  words.insert(words.end(), rest.begin() + static_cast<std::ptrdiff_t>(used), rest.end());
  Parser parser{options_of(*leaf, common)};
  TRY(parser.parse(std::move(words), "dstack " + leaf->title()));
  TRY(parser.store_all(environment));
  return Request{Request::Kind::run, leaf, group};
}

} // namespace dstack::cli
