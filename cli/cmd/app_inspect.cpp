#include "cli/cmd/add.hpp"
#include "cli/deploy/app.hpp"
#include "cli/ui/table.hpp"
#include "codec/json_list.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string source;
};

codec::Json service_json(const compose::Service& service)
{
  codec::Json ports = codec::Json::array();
  for (const compose::PortMapping& port : service.ports)
    ports.push(fmt::format("{}:{}/{}", port.published, port.target, port.protocol));
  return codec::Json::object()
      .set("name", service.name)
      .set("image", service.image)
      .set("ports", ports);
}

codec::Json document_of(const App& app)
{
  codec::Json env_files = codec::Json::array();
  for (const auto& [path, text] : app.parsed.env_files)
    env_files.push(path);
  return codec::Json::object()
      .set("schema", "dstack.app.inspect/1")
      .set("name", app.parsed.name)
      .set("app_id", app.app_id)
      .set("compose_hash", app.compose_hash)
      .set("runner", compose::name_of(app.parsed.runner))
      .set("key_provider", compose::name_of(app.parsed.key_provider))
      .set("services", codec::list_of(app.project.services, service_json))
      .set("volumes", codec::list_of(app.project.volumes))
      .set("env_files", env_files)
      .set("images_inside", !app.bundle.empty())
      .set("app_compose", app.parsed.json);
}

void print(const App& app, Context& ctx)
{
  Console& ui = ctx.ui();
  ui.line(fmt::format("name          {}", printable(app.parsed.name)));
  ui.line(fmt::format("app id        {}", app.app_id));
  ui.line(fmt::format("compose hash  {}", app.compose_hash));
  ui.line(fmt::format("runner        {}", compose::name_of(app.parsed.runner)));
  ui.line(fmt::format("key provider  {}", compose::name_of(app.parsed.key_provider)));
  if (!app.bundle.empty()) ui.line("images        inside the bundle");
  for (const auto& [path, text] : app.parsed.env_files)
    ui.line(fmt::format("env file      {} ({} bytes)", printable(path), text.size()));
  Table table{{"SERVICE", "IMAGE"}};
  for (const compose::Service& service : app.project.services)
    table.row({service.name, service.image});
  if (!table.empty()) ui.line(trim(table.text()));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const App app = TRY(read_packed_app(o.source));
  if (ctx.ui().json())
    ctx.ui().document(document_of(app));
  else
    print(app, ctx);
  return Exit::ok;
}

} // namespace

void add_app_inspect(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("app inspect", "Show what is in an app bundle or app-compose.json");
  leaf.file_argument("APP", o->source, "Bundle, app-compose.json, or - for stdin").required();
  leaf.json("dstack.app.inspect/1")
      .describe("Reads the file strictly, as the guest will, and asks no registry.")
      .example("dstack app inspect hello.bundle", "A bundle")
      .example("dstack app inspect app-compose.json --json", "The measured file itself")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
