#include "cli/cmd/add.hpp"
#include "cli/gateway/admin.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string directory;
  std::string instance;
  bool undo = false;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const std::string id = TRY(find_instance(o.directory, o.instance));
  const Json request = Json{}.set("instance_id", id).set("drained", !o.undo);
  static_cast<void>(TRY(ask_gateway(o.directory, "DrainInstance", request)));
  if (ctx.ui().json())
    ctx.ui().document(Json{}
                          .set("schema", "dstack.gateway.drain/1")
                          .set("instance_id", id)
                          .set("drained", !o.undo));
  ctx.ui().line(o.undo ? fmt::format("{} gets connections again", id)
                       : fmt::format("{} gets no new connections while its app has others", id));
  return Exit::ok;
}

} // namespace

void add_gateway_drain(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("gateway drain", "Send no new connections to a VM");
  leaf.argument("DIR", o->directory, "Directory of the gateway").required();
  leaf.argument("INSTANCE", o->instance,
                "Its instance id, or how that or its app's id begins, if only one does")
      .required();
  leaf.flag("--undo", o->undo, "It gets connections again");
  leaf.json("dstack.gateway.drain/1")
      .describe("Connections that are under way stay. An app whose VMs are all drained is served "
                "by them all the same, and so is who asks for the VM by its own id.")
      .example("dstack gateway drain gw 5d0c", "Before this VM is stopped")
      .example("dstack gateway drain gw 5d0c --undo", "Back again")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
