#include "cli/deploy/change.hpp"

#include "base/text.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

constexpr std::size_t context_lines = 3;

std::string_view mark(compose::LineKind kind)
{
  switch (kind) {
  case compose::LineKind::same:
    return " ";
  case compose::LineKind::removed:
    return "-";
  case compose::LineKind::added:
    return "+";
  }
  return " ";
}

Tone tone(compose::LineKind kind)
{
  switch (kind) {
  case compose::LineKind::same:
    return Tone::plain;
  case compose::LineKind::removed:
    return Tone::bad;
  case compose::LineKind::added:
    return Tone::good;
  }
  return Tone::plain;
}

std::string lines_text(const Console& console,
                       std::string_view title,
                       const std::vector<compose::LineChange>& lines)
{
  if (lines.empty()) return "";
  std::string out = console.paint_out(Tone::bold, fmt::format("{}", title)) + "\n";
  for (const compose::LineChange& line : compose::with_context(lines, context_lines))
    out += console.paint_out(tone(line.kind),
                             fmt::format("{}{}", mark(line.kind), printable(line.text))) +
           "\n";
  return out;
}

std::string value_text(const std::optional<Json>& value)
{
  return value ? printable(codec::write_json(*value)) : "(absent)";
}

Json lines_json(const std::vector<compose::LineChange>& lines)
{
  Json out = Json::array();
  for (const compose::LineChange& line : lines)
    if (line.kind != compose::LineKind::same)
      out.push(Json::object()
                   .set("change", line.kind == compose::LineKind::added ? "added" : "removed")
                   .set("text", line.text));
  return out;
}

} // namespace

Result<App> current_app(const store::VmRecord& vm)
{
  const sys::fs::path path = vm.paths().share() / "app-compose.json";
  std::string bytes = TRY(sys::read_text(path, compose::max_app_compose_bytes));
  return app_from_bytes(std::move(bytes), path.string());
}

Result<Change> plan_change(Context& ctx,
                           const store::VmRecord& vm,
                           const AppOptions& options,
                           const fetch::RegistryOptions& registry,
                           Stages& stages)
{
  Change out;
  out.before = TRY(current_app(vm));
  AppOptions named = options;
  if (named.app_name.empty()) named.app_name = out.before.parsed.name;
  named.before = &out.before.parsed;
  out.after = TRY(prepare_app(ctx, named, registry, "", stages));
  stages.end();
  out.diff = compose::diff_apps(out.before.parsed, out.after.parsed);
  return out;
}

std::string change_text(const Console& console, const store::VmRecord& vm, const Change& change)
{
  if (change.same_bytes()) return "nothing changes\n";
  std::string out = lines_text(console, "compose file", change.diff.compose);
  for (const compose::FileChange& file : change.diff.env_files)
    out += lines_text(console, file.path, file.lines);
  for (const compose::FieldChange& field : change.diff.fields)
    out += fmt::format("{}: {} -> {}\n", field.field, value_text(field.before),
                       value_text(field.after));
  if (change.diff.empty()) out += "only the spelling of app-compose.json changes\n";
  out += fmt::format("\napp id        {}  stays\n", vm.spec.app.app_id);
  out += fmt::format("compose hash  {}  now\n              {}  after\n", change.before.compose_hash,
                     change.after.compose_hash);
  out += "measurements  MRTD, RTMR0, RTMR1, RTMR2 stay (same OS image and machine);\n"
         "              RTMR3 changes with the compose hash\n";
  return out;
}

Json change_json(const store::VmRecord& vm, const Change& change)
{
  Json files = Json::array();
  for (const compose::FileChange& file : change.diff.env_files)
    files.push(Json::object().set("path", file.path).set("lines", lines_json(file.lines)));
  Json fields = Json::array();
  for (const compose::FieldChange& field : change.diff.fields)
    fields.push(Json::object()
                    .set("field", field.field)
                    .set("before", field.before.value_or(Json{}))
                    .set("after", field.after.value_or(Json{})));
  Json registers = Json::array();
  if (!change.same_bytes()) registers.push("rtmr3");
  return Json::object()
      .set("schema", "dstack.diff/1")
      .set("name", vm.spec.name)
      .set("changed", !change.same_bytes())
      .set("app_id", vm.spec.app.app_id)
      .set("compose_hash", Json::object()
                               .set("before", change.before.compose_hash)
                               .set("after", change.after.compose_hash))
      .set("registers_changed", registers)
      .set("compose", lines_json(change.diff.compose))
      .set("env_files", files)
      .set("fields", fields);
}

} // namespace dstack::cli
