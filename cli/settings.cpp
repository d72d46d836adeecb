#include "cli/settings.hpp"

#include <cstdlib>

namespace dstack::cli {

namespace {

constexpr std::size_t max_config = std::size_t{1} << 20U;

std::string value_name(config::Kind kind)
{
  switch (kind) {
  case config::Kind::text:
    return "NAME";
  case config::Kind::path:
    return "FILE";
  case config::Kind::url:
    return "URL";
  case config::Kind::count:
    return "N";
  case config::Kind::size:
    return "SIZE";
  case config::Kind::duration:
    return "TIME";
  case config::Kind::choice:
    return "WORD";
  case config::Kind::list:
    return "HOST";
  }
  return "VALUE";
}

std::vector<std::string> words_of(std::string_view text)
{
  std::vector<std::string> out;
  for (const std::string_view word : split(text, ','))
    out.emplace_back(word);
  return out;
}

} // namespace

Option& SettingOptions::add(Leaf& leaf, std::string names, std::string_view key)
{
  const config::Setting* setting = config::find_setting(key);
  DSTACK_ASSERT(setting != nullptr);
  entries_.push_back(std::make_unique<Entry>());
  Entry& entry = *entries_.back();
  entry.key = std::string{key};
  entry.flag = names.substr(names.rfind(',') + 1);
  const std::string help{setting->help};
  Option& option = setting->kind == config::Kind::list
                       ? leaf.option(names, entry.items, value_name(setting->kind), help)
                       : leaf.option(names, entry.text, value_name(setting->kind), help);
  if (setting->kind == config::Kind::choice) option.choices(words_of(setting->choices));
  return option.fallback(std::string{setting->fallback})
      .setting_env(std::string{setting->environment});
}

std::vector<config::Override> SettingOptions::given() const
{
  std::vector<config::Override> out;
  for (const auto& entry : entries_) {
    const std::string text = entry->items.empty() ? entry->text : join(entry->items, ",");
    if (!text.empty()) out.push_back({entry->key, entry->flag, text});
  }
  return out;
}

void use_programs(const config::Config& config)
{
  if (const std::string& qemu = config.text("qemu"); !qemu.empty())
    ::setenv("DSTACK_QEMU", qemu.c_str(), 1);
}

Result<config::Config> load_config(const Context& ctx, const SettingOptions& options)
{
  config::Inputs inputs;
  const auto plans = config::plan_files(ctx.globals().config, ctx.env("DSTACK_CONFIG"),
                                        ctx.dirs().config.string());
  for (const config::FilePlan& plan : plans) {
    const auto text = sys::read_text(plan.path, max_config);
    if (text) {
      inputs.files.push_back({plan.path, *text});
      continue;
    }
    if (plan.presence == config::Presence::optional && text.error().code() == Errc::not_found)
      continue;
    return Error{Errc::config, text.error().message()}.within("configuration");
  }
  inputs.environment = ctx.environment();
  inputs.flags = options.given();
  return config::Config::load(inputs);
}

} // namespace dstack::cli
