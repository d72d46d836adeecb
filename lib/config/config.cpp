#include "config/config.hpp"

#include "base/text.hpp"
#include "codec/toml.hpp"

#include <algorithm>

namespace dstack::config {

namespace {

constexpr std::string_view system_file = "/etc/dstack/dstack.toml";
constexpr std::size_t max_text = 4096;
constexpr std::uint64_t max_count = 65535;

std::vector<std::string> words_of(std::string_view text)
{
  std::vector<std::string> out;
  for (const std::string_view piece : split(text, ','))
    if (!trim(piece).empty()) out.emplace_back(trim(piece));
  return out;
}

bool is_url(std::string_view text)
{
  for (const std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme) && text.size() > scheme.size()) return true;
  return false;
}

bool reads_as(const Setting& setting, std::string_view text)
{
  const bool left_empty = text.empty() && setting.fallback.empty();
  switch (setting.kind) {
  case Kind::text:
    return !text.empty() || left_empty;
  case Kind::path:
  case Kind::list:
    return true;
  case Kind::url:
    return is_url(text) || left_empty;
  case Kind::count: {
    const auto number = parse_u64(text);
    return number && *number >= 1 && *number <= max_count;
  }
  case Kind::size: {
    const auto bytes = parse_size(text);
    return bytes && *bytes > 0;
  }
  case Kind::duration: {
    const auto ms = parse_duration_ms(text);
    return ms && *ms > 0;
  }
  case Kind::choice: {
    const auto words = words_of(setting.choices);
    return std::find(words.begin(), words.end(), text) != words.end();
  }
  }
  return false;
}

Status check(const Setting& setting, std::string_view text)
{
  const bool one_line = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (text.size() > max_text) return fail(Errc::config, "longer than {} bytes", max_text);
  if (one_line && reads_as(setting, text)) return ok();
  if (setting.kind == Kind::choice)
    return fail(Errc::config, "'{}' is none of {}", printable(text),
                join(words_of(setting.choices), ", "));
  return fail(Errc::config, "'{}' is not {}", printable(text), describe(setting.kind));
}

Value make(const Setting& setting, std::string text, Layer layer, std::string origin)
{
  Value out{&setting, std::move(text), {}, layer, std::move(origin)};
  if (setting.kind == Kind::list) {
    out.items = words_of(out.text);
    out.text = join(out.items, ",");
  }
  return out;
}

/// What a file says about one setting, as it would be typed.
Result<std::string> text_of(const Setting& setting, const codec::Toml& value)
{
  if (const auto* text = value.text()) return *text;
  const auto* number = std::get_if<std::int64_t>(&value.value);
  const bool numeric =
      setting.kind == Kind::count || setting.kind == Kind::size || setting.kind == Kind::duration;
  if (number != nullptr && numeric) return fmt::format("{}", *number);
  const auto* items = value.array();
  if (items != nullptr && setting.kind == Kind::list) {
    std::vector<std::string> words;
    for (const codec::Toml& item : *items) {
      if (item.text() == nullptr || item.text()->find(',') != std::string::npos)
        return fail(Errc::config, "the list holds something that is not a word");
      words.push_back(*item.text());
    }
    return join(words, ",");
  }
  return fail(Errc::config, "{} where {} is wanted", value.kind(), describe(setting.kind));
}

Error unknown_key(std::string_view key)
{
  std::vector<std::string> keys;
  for (const Setting& setting : settings())
    keys.emplace_back(setting.key);
  const auto meant = nearest(key, keys);
  return fail(Errc::config, "unknown key '{}'{}", printable(key),
              meant ? fmt::format("; did you mean '{}'?", *meant) : std::string{});
}

/// The tables of a file, walked down to keys such as "vm.cpus".
Status apply_table(std::vector<Value>& values,
                   const codec::TomlTable& table,
                   const std::string& prefix,
                   const std::string& path)
{
  for (const auto& [name, value] : table) {
    const std::string key = prefix + name;
    const std::string place = fmt::format("{}:{}", path, value.line);
    const auto at = std::find_if(values.begin(), values.end(),
                                 [&](const Value& known) { return known.setting->key == key; });
    if (at == values.end()) {
      const bool inner = prefix.empty() && value.table() != nullptr &&
                         std::any_of(values.begin(), values.end(), [&](const Value& known) {
                           return known.setting->key.starts_with(key + ".");
                         });
      if (!inner) return unknown_key(key).within(place);
      TRY(apply_table(values, *value.table(), key + ".", path));
      continue;
    }
    const Setting& setting = *at->setting;
    std::string text = TRY(text_of(setting, value).within("{}: {}", place, key));
    TRY(check(setting, text).within("{}: {}", place, key));
    *at = make(setting, std::move(text), Layer::file, place);
  }
  return ok();
}

Status apply_file(std::vector<Value>& values, const File& file)
{
  const auto parsed = codec::parse_toml(file.text);
  if (!parsed) return fail(Errc::config, "{}: {}", file.path, parsed.error().message());
  return apply_table(values, *parsed->table(), "", file.path);
}

Status apply_environment(std::vector<Value>& values, const Inputs& inputs)
{
  if (!inputs.environment) return ok();
  for (Value& value : values) {
    const std::string name{value.setting->environment};
    std::string text = inputs.environment(name.c_str());
    if (text.empty()) continue;
    TRY(check(*value.setting, text).within("{}", name));
    value = make(*value.setting, std::move(text), Layer::environment, name);
  }
  return ok();
}

Status apply_flag(std::vector<Value>& values, const Override& given)
{
  const auto at = std::find_if(values.begin(), values.end(),
                               [&](const Value& known) { return known.setting->key == given.key; });
  DSTACK_ASSERT(at != values.end());
  const auto checked = check(*at->setting, given.text);
  if (!checked) return fail(Errc::usage, "{}: {}", given.flag, checked.error().message());
  *at = make(*at->setting, given.text, Layer::flag, given.flag);
  return ok();
}

} // namespace

std::vector<FilePlan> plan_files(std::string_view config_flag,
                                 std::string_view config_variable,
                                 std::string_view user_directory)
{
  const std::string_view only = config_flag.empty() ? config_variable : config_flag;
  if (!only.empty()) return {{std::string{only}, Presence::required}};
  return {{std::string{system_file}, Presence::optional},
          {fmt::format("{}/dstack.toml", user_directory), Presence::optional}};
}

Result<Config> Config::load(const Inputs& inputs)
{
  Config out;
  for (const Setting& setting : settings())
    out.values_.push_back(
        make(setting, std::string{setting.fallback}, Layer::built_in, "built-in"));
  for (const File& file : inputs.files)
    TRY(apply_file(out.values_, file));
  TRY(apply_environment(out.values_, inputs));
  for (const Override& given : inputs.flags)
    TRY(apply_flag(out.values_, given));
  return out;
}

const Value& Config::value(std::string_view key) const
{
  const auto at = std::find_if(values_.begin(), values_.end(),
                               [&](const Value& known) { return known.setting->key == key; });
  DSTACK_ASSERT(at != values_.end());
  return *at;
}

std::uint64_t Config::count(std::string_view key) const
{
  DSTACK_ASSERT(value(key).setting->kind == Kind::count);
  return *parse_u64(text(key));
}

std::uint64_t Config::bytes(std::string_view key) const
{
  DSTACK_ASSERT(value(key).setting->kind == Kind::size);
  return *parse_size(text(key));
}

std::uint64_t Config::duration_ms(std::string_view key) const
{
  DSTACK_ASSERT(value(key).setting->kind == Kind::duration);
  return *parse_duration_ms(text(key));
}

const std::vector<std::string>& Config::list(std::string_view key) const
{
  DSTACK_ASSERT(value(key).setting->kind == Kind::list);
  return value(key).items;
}

} // namespace dstack::config
