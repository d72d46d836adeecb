#include "cli/tree.hpp"

#include "base/text.hpp"

namespace dstack::cli {

namespace {

std::vector<std::string> words_of(std::string_view text, char separator)
{
  std::vector<std::string> out;
  if (text.empty()) return out;
  for (const std::string_view word : split(text, separator))
    out.emplace_back(word);
  return out;
}

Option::Store store_text(std::string& target)
{
  return [&target](const std::vector<std::string>& values) -> Status {
    target = values.back();
    return ok();
  };
}

Option::Store store_list(std::vector<std::string>& target)
{
  return [&target](const std::vector<std::string>& values) -> Status {
    target = values;
    return ok();
  };
}

template <class Parse> Option::Store store_u64(std::uint64_t& target, Parse parse)
{
  return [&target, parse](const std::vector<std::string>& values) -> Status {
    target = TRY(parse(values.back()));
    return ok();
  };
}

/// "kms" of "kms policy", "" of "kms".
std::string parent_of(std::string_view group)
{
  const auto end = group.rfind(' ');
  return std::string{end == std::string_view::npos ? "" : group.substr(0, end)};
}

} // namespace

Leaf::Leaf(std::vector<std::string> path, std::string summary)
    : path_(std::move(path)), summary_(std::move(summary))
{
}

Option& Leaf::add(
    std::string_view names, Takes takes, std::string value, std::string help, Option::Store store)
{
  options_.push_back(std::make_unique<Option>(words_of(names, ','), takes, std::move(value),
                                              std::move(help), std::move(store)));
  return *options_.back();
}

Option& Leaf::flag(std::string_view names, bool& target, std::string help)
{
  return add(names, Takes::flag, "", std::move(help),
             [&target](const std::vector<std::string>&) -> Status {
               target = true;
               return ok();
             });
}

Option&
Leaf::option(std::string_view names, std::string& target, std::string value, std::string help)
{
  return add(names, Takes::text, std::move(value), std::move(help), store_text(target));
}

Option& Leaf::option(std::string_view names,
                     std::vector<std::string>& target,
                     std::string value,
                     std::string help)
{
  return add(names, Takes::text, std::move(value), std::move(help), store_list(target)).repeats();
}

Option& Leaf::file(std::string_view names, std::string& target, std::string help)
{
  return add(names, Takes::file, "FILE", std::move(help), store_text(target));
}

Option& Leaf::directory(std::string_view names, std::string& target, std::string help)
{
  return add(names, Takes::directory, "DIR", std::move(help), store_text(target));
}

Option&
Leaf::number(std::string_view names, std::uint64_t& target, std::string value, std::string help)
{
  return add(names, Takes::text, std::move(value), std::move(help), store_u64(target, parse_u64));
}

Option& Leaf::size(std::string_view names, std::uint64_t& target, std::string help)
{
  return add(names, Takes::text, "SIZE", std::move(help), store_u64(target, parse_size));
}

Option& Leaf::duration(std::string_view names, std::uint64_t& target, std::string help)
{
  return add(names, Takes::text, "TIME", std::move(help), store_u64(target, parse_duration_ms));
}

Option& Leaf::argument(std::string value, std::string& target, std::string help)
{
  return add("", Takes::text, std::move(value), std::move(help), store_text(target));
}

Option& Leaf::arguments(std::string value, std::vector<std::string>& target, std::string help)
{
  return add("", Takes::text, std::move(value), std::move(help), store_list(target)).repeats();
}

Option& Leaf::file_argument(std::string value, std::string& target, std::string help)
{
  return add("", Takes::file, std::move(value), std::move(help), store_text(target));
}

Leaf& Leaf::example(std::string line, std::string about)
{
  examples_.push_back({std::move(line), std::move(about)});
  return *this;
}

Leaf& Leaf::describe(std::string_view text)
{
  if (!description_.empty()) description_ += "\n\n";
  description_ += text;
  return *this;
}

Leaf& Leaf::json(std::string schema)
{
  schema_ = std::move(schema);
  return *this;
}

Leaf& Leaf::runs(Action action)
{
  action_ = std::move(action);
  return *this;
}

Leaf& Leaf::hide()
{
  hidden_ = true;
  return *this;
}

Leaf& Leaf::takes_words()
{
  words_only_ = true;
  return *this;
}

std::string Leaf::title() const
{
  return join(path_, " ");
}

std::string Leaf::group() const
{
  return join({path_.begin(), path_.end() - 1}, " ");
}

void Tree::group(std::string name, std::string summary)
{
  const std::string parent = parent_of(name);
  DSTACK_ASSERT(parent.empty() || find_group(parent) != nullptr);
  groups_.push_back({std::move(name), std::move(summary)});
}

Leaf& Tree::leaf(std::string_view path, std::string summary)
{
  leaves_.push_back(std::make_unique<Leaf>(words_of(path, ' '), std::move(summary)));
  const Leaf& leaf = *leaves_.back();
  DSTACK_ASSERT(leaf.path().size() == 1 || find_group(leaf.group()) != nullptr);
  return *leaves_.back();
}

const Group* Tree::find_group(std::string_view name) const
{
  for (const Group& group : groups_)
    if (group.name == name) return &group;
  return nullptr;
}

const Leaf* Tree::find(const std::vector<std::string>& path) const
{
  for (const auto& leaf : leaves_)
    if (leaf->path() == path) return leaf.get();
  return nullptr;
}

Walk Tree::walk(const std::vector<std::string>& words) const
{
  Walk out;
  std::vector<std::string> path;
  for (const std::string& word : words) {
    path.push_back(word);
    if (const Leaf* leaf = find(path)) return {leaf, std::move(out.group), path.size()};
    const std::string name = join(path, " ");
    if (find_group(name) == nullptr) break;
    out.group = name;
    out.used = path.size();
  }
  return out;
}

std::vector<Candidate> Tree::words(std::string_view group) const
{
  std::vector<Candidate> out;
  for (const auto& leaf : leaves_)
    if (!leaf->hidden() && leaf->group() == group)
      out.push_back({leaf->path().back(), leaf->summary()});
  for (const Group& one : groups_)
    if (parent_of(one.name) == group)
      out.push_back({one.name.substr(group.empty() ? 0 : group.size() + 1), one.summary});
  return out;
}

} // namespace dstack::cli
