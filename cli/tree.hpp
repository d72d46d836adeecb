#pragma once
/// The command tree: one definition that the parser, the help, the man pages and the completion
/// read. Building it touches nothing; a command's action runs only after parsing is over.

#include "cli/exit.hpp"
#include "cli/option.hpp"

#include <memory>

namespace dstack::cli {

struct Example {
  std::string line; ///< a complete command line, starting with "dstack"
  std::string about;
};

using Action = std::function<Result<Exit>(Context&)>;

/// A command that does something.
class Leaf {
public:
  Leaf(std::vector<std::string> path, std::string summary);

  /// Names are separated by commas: "-f,--follow". Targets must live as long as the action, which
  /// holds them through a shared Options struct.
  Option& flag(std::string_view names, bool& target, std::string help);
  Option& option(std::string_view names, std::string& target, std::string value, std::string help);
  Option& option(std::string_view names,
                 std::vector<std::string>& target,
                 std::string value,
                 std::string help);
  Option& file(std::string_view names, std::string& target, std::string help);
  Option& directory(std::string_view names, std::string& target, std::string help);
  Option&
  number(std::string_view names, std::uint64_t& target, std::string value, std::string help);
  /// "512M", "2G" -> bytes.
  Option& size(std::string_view names, std::uint64_t& target, std::string help);
  /// "90s", "5m" -> milliseconds.
  Option& duration(std::string_view names, std::uint64_t& target, std::string help);

  Option& argument(std::string value, std::string& target, std::string help);
  Option& arguments(std::string value, std::vector<std::string>& target, std::string help);
  Option& file_argument(std::string value, std::string& target, std::string help);

  Leaf& example(std::string line, std::string about);
  /// Adds a paragraph, or several, to the man page.
  Leaf& describe(std::string_view text);
  /// Adds --json; the document carries this schema.
  Leaf& json(std::string schema);
  Leaf& runs(Action action);
  /// Not shown in help, man pages or completion.
  Leaf& hide();
  /// Every word after the command is an argument, also those that look like options.
  Leaf& takes_words();

  const std::vector<std::string>& path() const { return path_; }
  /// "app pack"
  std::string title() const;
  /// "app"; empty for a command that belongs to no group.
  std::string group() const;
  const std::string& summary() const { return summary_; }
  const std::string& description() const { return description_; }
  const std::string& schema() const { return schema_; }
  const std::vector<Example>& examples() const { return examples_; }
  const std::vector<std::unique_ptr<Option>>& options() const { return options_; }
  const Action& action() const { return action_; }
  bool hidden() const { return hidden_; }
  bool words_only() const { return words_only_; }

private:
  Option& add(std::string_view names,
              Takes takes,
              std::string value,
              std::string help,
              Option::Store store);

  std::vector<std::string> path_;
  std::string summary_;
  std::string description_;
  std::string schema_;
  std::vector<Example> examples_;
  std::vector<std::unique_ptr<Option>> options_;
  Action action_;
  bool hidden_ = false;
  bool words_only_ = false;
};

/// A named set of commands ("app", "os"), perhaps within another ("kms policy").
struct Group {
  std::string name; ///< all its words
  std::string summary;
};

/// Where the first words of a command line lead.
struct Walk {
  const Leaf* leaf = nullptr; ///< the command, when they name one
  std::string group;          ///< the innermost group they name
  std::size_t used = 0;       ///< how many words that took
};

class Tree {
public:
  /// Every path of more than one word belongs to a group declared before, and so does every group
  /// of more than one.
  void group(std::string name, std::string summary);
  Leaf& leaf(std::string_view path, std::string summary);

  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<std::unique_ptr<Leaf>>& leaves() const { return leaves_; }
  const Group* find_group(std::string_view name) const;
  const Leaf* find(const std::vector<std::string>& path) const;
  Walk walk(const std::vector<std::string>& words) const;
  /// Words that may follow a group (empty: none yet): its commands, then the groups within it.
  std::vector<Candidate> words(std::string_view group) const;

private:
  std::vector<Group> groups_;
  std::vector<std::unique_ptr<Leaf>> leaves_;
};

} // namespace dstack::cli
