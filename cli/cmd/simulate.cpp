#include "cli/cmd/add.hpp"
#include "cli/deploy/app.hpp"
#include "cli/simulate/server.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string app;
  std::string directory;
  std::vector<std::string> kms;
  SimulateOptions serve;
};

Result<std::string> app_text(const Options& o, Context& ctx)
{
  if (o.app.empty()) return std::string{};
  AppOptions app;
  app.source = o.app;
  app.no_pin = true; // nothing is pulled, so nothing is asked of registries
  app.never_boots = true;
  Stages stages{ctx.ui(), Stages::Lines::slow_ones};
  const App prepared = TRY(prepare_app(ctx, app, {}, "", stages));
  return prepared.bytes;
}

Result<std::optional<WorldKms>> kms_of(const Options& o)
{
  if (o.kms.empty()) return std::optional<WorldKms>{};
  std::vector<std::string> urls;
  for (const std::string& word : o.kms)
    for (const std::string_view one : split(word, ','))
      urls.emplace_back(one);
  return std::optional<WorldKms>{
      WorldKms{TRY(as_usage(kmsclient::parse_urls(urls).within("--kms")))}};
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const std::string text = TRY(app_text(o, ctx));
  const World world = TRY(make_world(text, ctx.dirs().data / "simulated-tee", TRY(kms_of(o))));
  SimulateOptions serve = o.serve;
  serve.directory =
      o.directory.empty() ? ctx.dirs().runtime / "simulate" : sys::fs::absolute(o.directory);
  return serve_simulator(world, serve, ctx);
}

} // namespace

void add_simulate(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("simulate", "Answer the guest API on this machine, without a VM");
  leaf.file("--app", o->app,
            "Compose file, app-compose.json or bundle whose identity is played; without it a "
            "fixed one, that of the published simulator");
  leaf.directory("--directory", o->directory,
                 "Where dstack.sock, tappd.sock and external.sock are made (default: below "
                 "$XDG_RUNTIME_DIR)");
  leaf.option("--listen", o->serve.listen, "ADDRESS:PORT",
              "Serve both socket APIs over TCP too; port 0 is any. Whoever reaches it gets keys");
  leaf.option("--external", o->serve.external, "ADDRESS:PORT",
              "Serve the port for the world (8090 in a VM) over TCP: dashboard, metrics, Worker");
  leaf.option("--kms", o->kms, "URL[,URL]",
              "Keys and certificates of this KMS, which must allow the app and simulated evidence");
  leaf.arguments("COMMAND", o->serve.command,
                 "Run this with the SDKs' variables set, and end with its exit status");
  leaf.json("dstack.simulate/1")
      .describe("Serves what /var/run/dstack.sock and tappd.sock serve inside a VM: keys, "
                "certificates, quotes with event logs, signatures. The published SDKs find it "
                "through DSTACK_SIMULATOR_ENDPOINT and TAPPD_SIMULATOR_ENDPOINT, which are "
                "printed. Quotes are signed by this machine's development keys: 'dstack verify' "
                "refuses them unless told --allow-simulated.\n"
                "The keys follow from the app and this machine, so they are the same every time. "
                "An app with key_provider kms gets keys as a KMS would derive them, from roots of "
                "this machine; with --kms, those of that KMS.")
      .example("dstack simulate", "Serve until Ctrl-C")
      .example("dstack simulate -- npm test", "Run a test suite against it")
      .example("dstack simulate --app compose.yaml --listen 127.0.0.1:8090",
               "Play a particular app, also over TCP")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
