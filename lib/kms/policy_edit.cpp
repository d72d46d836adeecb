#include "kms/policy_edit.hpp"

#include "base/text.hpp"
#include "codec/toml.hpp"
#include "kms/policy_review.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

using codec::Toml;
using Words = std::vector<std::string>;

/// Start of a line counted from 1, or the end of the text.
std::size_t line_start(std::string_view text, unsigned line)
{
  std::size_t at = 0;
  for (unsigned i = 1; i < line && at < text.size(); ++i) {
    const std::size_t end = text.find('\n', at);
    at = end == std::string_view::npos ? text.size() : end + 1;
  }
  return at;
}

/// Where a value starts. Columns count characters, of one to four bytes.
std::size_t place_of(std::string_view text, const Toml& value)
{
  std::size_t at = line_start(text, value.line);
  const auto continues = [&](std::size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U;
  };
  for (unsigned i = 1; i < value.column && at < text.size(); ++i) {
    ++at;
    while (at < text.size() && continues(at))
      ++at;
  }
  return at;
}

std::string quoted(const std::string& word)
{
  return codec::write_json(codec::Json{word}); // a JSON string without controls is TOML's too
}

std::string list_text(const Words& words)
{
  Words out;
  for (const std::string& word : words)
    out.push_back(quoted(word));
  return fmt::format("[{}]", join(out, ", "));
}

const Toml* member(const Toml& table, std::string_view key)
{
  if (table.table() == nullptr) return nullptr;
  for (const auto& [name, value] : *table.table())
    if (name == key) return &value;
  return nullptr;
}

/// The table of a list of tables whose member has that value.
const Toml*
element(const Toml& document, std::string_view list, std::string_view key, std::string_view value)
{
  const Toml* all = member(document, list);
  if (all == nullptr || all->array() == nullptr) return nullptr;
  for (const Toml& one : *all->array()) {
    const Toml* found = member(one, key);
    if (found != nullptr && found->text() != nullptr && lower(*found->text()) == value) return &one;
  }
  return nullptr;
}

/// One insertion; they are made from the last to the first, so that places stay right.
struct Insertion {
  std::size_t at = 0;
  std::string text{};
};

/// New members at the front of a list: no comma needs to be put where a comment may stand.
Insertion into_list(std::string_view text, const Toml& list, const Words& words)
{
  const std::size_t open = place_of(text, list) + 1;
  const std::size_t end = std::min(text.find('\n', open), text.size());
  const std::string_view rest = trim(text.substr(std::min(open, end), end - std::min(open, end)));
  const bool own_lines = rest.empty() || rest.front() == '#';
  if (!own_lines || end == text.size()) {
    std::string added;
    for (const std::string& word : words)
      added += quoted(word) + ", ";
    if (list.array()->empty()) added.resize(added.size() - 2);
    return {open, added};
  }
  // As the next line is indented, when it holds a member.
  const std::size_t next = end + 1;
  const std::size_t first = std::min(text.find_first_not_of(" \t", next), text.size());
  const bool closing = first < text.size() && text[first] == ']';
  const std::string indent = closing ? "  " : std::string{text.substr(next, first - next)};
  std::string added;
  for (const std::string& word : words)
    added += fmt::format("{}{},\n", indent, quoted(word));
  return {next, added};
}

/// A new key below the one that names the table, else below the table's heading.
Insertion new_key(std::string_view text, const Toml& table, std::string_view line)
{
  unsigned after = table.line;
  for (const std::string_view name : {"hash", "id"})
    if (const Toml* key = member(table, name)) after = std::max(after, key->line);
  const std::size_t at = line_start(text, after + 1);
  const bool ended = at == 0 || text[at - 1] == '\n';
  return {at, fmt::format("{}{}\n", ended ? "" : "\n", line)};
}

Insertion at_the_end(std::string_view text, std::string_view block)
{
  const bool ended = text.empty() || text.ends_with('\n');
  return {text.size(), fmt::format("{}{}{}", ended ? "" : "\n", text.empty() ? "" : "\n", block)};
}

Words lacking(const Words& there, const Words& wanted)
{
  Words out;
  for (const std::string& word : wanted) {
    const bool known = std::find(there.begin(), there.end(), word) != there.end() ||
                       std::find(out.begin(), out.end(), word) != out.end();
    if (!known) out.push_back(word);
  }
  return out;
}

/// An edit under way: what stands in the file, and how many changes it should make.
struct Edit {
  std::string_view text;
  std::string_view name;
  Policy before{};
  Toml document{};
  std::vector<Insertion> insertions{};
  std::size_t changes = 0;
};

Result<Edit> open_edit(std::string_view text, std::string_view name)
{
  Edit out{text, name};
  out.before = TRY(policy_from_toml(text, name));
  out.document = TRY(codec::parse_toml(text));
  return out;
}

/// Adds to a list of a table, or the list itself.
void add_words(Edit& edit, const Toml& table, const std::string& key, const Words& words)
{
  if (words.empty()) return;
  edit.changes += words.size();
  const Toml* list = member(table, key);
  edit.insertions.push_back(
      list != nullptr && list->array() != nullptr
          ? into_list(edit.text, *list, words)
          : new_key(edit.text, table, fmt::format("{} = {}", key, list_text(words))));
}

/// Makes the insertions and reads the outcome: only what was asked for may have changed.
Result<Edited> close_edit(Edit edit)
{
  if (edit.insertions.empty()) return Edited{std::string{edit.text}, false};
  std::stable_sort(edit.insertions.begin(), edit.insertions.end(),
                   [](const Insertion& a, const Insertion& b) { return a.at > b.at; });
  std::string text{edit.text};
  for (const Insertion& one : edit.insertions)
    text.insert(std::min(one.at, text.size()), one.text);
  const auto after = policy_from_toml(text, edit.name);
  const bool good = after && changes_between(edit.before, *after).size() == edit.changes;
  if (!good)
    return fail(Errc::unsupported,
                "policy {}: written in a way that cannot be edited here; add it by hand",
                edit.name);
  return Edited{std::move(text), true};
}

std::string app_block(const AppAddition& app)
{
  std::string out = fmt::format("[[app]]\nid = {}\n", quoted(app.id));
  if (!app.name.empty()) out += fmt::format("name = {}\n", quoted(app.name));
  out += fmt::format("compose = {}\n", list_text(app.compose));
  if (app.epoch) out += fmt::format("epoch = {}\n", *app.epoch);
  return out;
}

std::string image_block(const ImageRule& image)
{
  std::string out = "[[image]]\n";
  if (!image.name.empty()) out += fmt::format("name = {}\n", quoted(image.name));
  out += fmt::format("hash = {}\n", quoted(image.hash));
  for (const auto& [name, values] : image.registers)
    if (!values.empty()) out += fmt::format("{} = {}\n", name, list_text(values));
  return out;
}

Result<std::string> as_digest(const std::string& text, std::size_t size, std::string_view what)
{
  const auto raw = parse_hex(text);
  if (!raw || raw->size() != size)
    return fail(Errc::usage, "{} '{}' is not {} bytes of hex", what, printable(text), size);
  return lower(text);
}

Result<Words> as_digests(const Words& all, std::size_t size, std::string_view what)
{
  Words out;
  for (const std::string& one : all)
    out.push_back(TRY(as_digest(one, size, what)));
  return lacking({}, out);
}

void add_allowed(Edit& edit,
                 const Toml& table,
                 const std::string& key,
                 const Allowed& there,
                 const Words& wanted)
{
  if (!there.any) add_words(edit, table, key, lacking(there.values, wanted));
}

/// Where keys of no table may stand: above the first one.
std::size_t above_tables(std::string_view text, const Toml& document)
{
  std::size_t out = text.size();
  for (const auto& [name, value] : *document.table()) {
    const bool tables = value.array() != nullptr && !value.array()->empty() &&
                        value.array()->front().table() != nullptr;
    if (value.table() == nullptr && !tables) continue;
    const Toml& first = tables ? value.array()->front() : value;
    out = std::min(out, line_start(text, first.line));
  }
  return out;
}

} // namespace

Result<Edited> add_app(std::string_view text, const AppAddition& wanted, std::string_view name)
{
  AppAddition app = wanted;
  app.id = TRY(as_digest(wanted.id, 20, "app id"));
  app.compose = TRY(as_digests(wanted.compose, 32, "compose hash"));
  Edit edit = TRY(open_edit(text, name));
  const AppRule* rule = edit.before.find_app(app.id);
  const Toml* table = element(edit.document, "app", "id", app.id);
  if (rule == nullptr || table == nullptr) {
    edit.changes = 1 + app.compose.size();
    edit.insertions.push_back(at_the_end(text, app_block(app)));
  } else {
    add_words(edit, *table, "compose", lacking(rule->compose, app.compose));
  }
  return close_edit(std::move(edit));
}

Result<Edited> add_image(std::string_view text, const ImageRule& wanted, std::string_view name)
{
  ImageRule image = wanted;
  image.hash = TRY(as_digest(wanted.hash, 32, "image hash"));
  for (auto& [reg, values] : image.registers)
    values = TRY(as_digests(values, 48, reg));
  Edit edit = TRY(open_edit(text, name));
  const ImageRule* rule = edit.before.find_image(image.hash);
  const Toml* table = element(edit.document, "image", "hash", image.hash);
  if (rule == nullptr || table == nullptr) {
    edit.changes = 1;
    edit.insertions.push_back(at_the_end(text, image_block(image)));
    return close_edit(std::move(edit));
  }
  for (const auto& [reg, values] : image.registers) {
    const auto there =
        std::find_if(rule->registers.begin(), rule->registers.end(),
                     [&, &wanted_name = reg](const auto& one) { return one.first == wanted_name; });
    add_words(edit, *table, reg,
              lacking(there == rule->registers.end() ? Words{} : there->second, values));
  }
  return close_edit(std::move(edit));
}

Result<Edited> add_kms(std::string_view text, const KmsRules& wanted, std::string_view name)
{
  const Words mrs = TRY(as_digests(wanted.mr_aggregated.values, 32, "aggregated MR"));
  const Words devices = TRY(as_digests(wanted.devices.values, 32, "device id"));
  Edit edit = TRY(open_edit(text, name));
  if (const Toml* table = member(edit.document, "kms")) {
    add_allowed(edit, *table, "mr_aggregated", edit.before.kms.mr_aggregated, mrs);
    add_allowed(edit, *table, "devices", edit.before.kms.devices, devices);
    return close_edit(std::move(edit));
  }
  if (mrs.empty() && devices.empty()) return close_edit(std::move(edit));
  std::string block = "[kms]\n";
  if (!mrs.empty()) block += fmt::format("mr_aggregated = {}\n", list_text(mrs));
  if (!devices.empty()) block += fmt::format("devices = {}\n", list_text(devices));
  edit.changes = mrs.size() + devices.size();
  edit.insertions.push_back(at_the_end(text, block));
  return close_edit(std::move(edit));
}

Result<Edited> set_gateway(std::string_view text, const std::string& app_id, std::string_view name)
{
  const std::string id = TRY(as_digest(app_id, 20, "app id"));
  Edit edit = TRY(open_edit(text, name));
  const std::string& there = edit.before.gateway_app_id;
  if (lower(there) == id) return close_edit(std::move(edit));
  if (!there.empty())
    return fail(Errc::denied, "policy {}: the gateway of its apps is {}, not {}", name,
                printable(there), id);
  edit.changes = 1;
  const Toml* empty = member(edit.document, "gateway_app_id");
  if (empty != nullptr)
    edit.insertions.push_back({place_of(text, *empty) + 1, id});
  else
    edit.insertions.push_back(
        {above_tables(text, edit.document), fmt::format("gateway_app_id = {}\n", quoted(id))});
  return close_edit(std::move(edit));
}

} // namespace dstack::kms
