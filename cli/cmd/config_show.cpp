#include "cli/cmd/add.hpp"
#include "cli/settings.hpp"
#include "cli/ui/table.hpp"

namespace dstack::cli {

namespace {

struct Options {
  bool origin = false;
  std::string key;
};

codec::Json value_json(const config::Value& value)
{
  return codec::Json::object()
      .set("key", value.setting->key)
      .set("value", value.text)
      .set("origin", value.origin)
      .set("environment", value.setting->environment)
      .set("help", value.setting->help);
}

Result<Exit> run(const Options& o, Context& ctx)
{
  if (!o.key.empty() && config::find_setting(o.key) == nullptr) {
    std::vector<std::string> known;
    for (const config::Setting& setting : config::settings())
      known.emplace_back(setting.key);
    const auto close = nearest(o.key, known);
    return fail(Errc::usage, "there is no setting '{}'{}", o.key,
                close ? fmt::format(", did you mean {}?", *close) : "");
  }
  const config::Config config = TRY(load_config(ctx, SettingOptions{}));
  codec::Json list = codec::Json::array();
  Table table{o.origin ? std::vector<std::string>{"SETTING", "FROM", "VALUE"}
                       : std::vector<std::string>{"SETTING", "VALUE"}};
  for (const config::Value& value : config.values()) {
    if (!o.key.empty() && value.setting->key != o.key) continue;
    list.push(value_json(value));
    const std::string key{value.setting->key};
    table.row(o.origin ? std::vector<std::string>{key, value.origin, value.text}
                       : std::vector<std::string>{key, value.text});
  }
  if (ctx.ui().json())
    ctx.ui().document(
        codec::Json::object().set("schema", "dstack.config.show/1").set("settings", list));
  else
    ctx.ui().line(trim(table.text()));
  return Exit::ok;
}

std::vector<Candidate> setting_keys(Context&)
{
  std::vector<Candidate> out;
  for (const config::Setting& setting : config::settings())
    out.push_back({std::string{setting.key}, std::string{setting.help}});
  return out;
}

} // namespace

void add_config_show(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("config show", "Show the settings in force");
  leaf.argument("SETTING", o->key, "Only this one").completes(setting_keys);
  leaf.flag("--origin", o->origin, "Also where each value comes from");
  leaf.json("dstack.config.show/1")
      .describe(
          "Built-in values are overridden by /etc/dstack/dstack.toml, that by "
          "$XDG_CONFIG_HOME/dstack/dstack.toml, that by DSTACK_* variables, those by options. "
          "Unknown keys in a file are errors.")
      .example("dstack config show", "All settings")
      .example("dstack config show --origin", "With file and line of each")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
