#include "gateway/admin_nodes.hpp"

#include "codec/json_list.hpp"
#include "gateway/messages.hpp"

#include <algorithm>

namespace dstack::gateway {

using codec::Json;
using rpc::Method;

namespace {

Json node_json(const NodeView& node)
{
  const Self& self = node.self;
  return Json{}
      .set("id", self.id)
      .set("uuid", hex(self.uuid))
      .set("url", self.url)
      .set("last_seen", node.seen.seconds())
      .set("wg_public_key", self.wg_public_key)
      .set("wg_ip", self.wg_ip)
      .set("wg_endpoint", self.wg_endpoint)
      .set("up", node.up)
      .set("status", node.accepting ? "up" : "down")
      .set("num_connections", node.connections)
      .set("version", self.version);
}

struct WantedStatus {
  std::uint64_t node = 0;
  bool accepting = true;
};

Result<WantedStatus> wanted_status(const View& view, const Json& params)
{
  const std::uint64_t id = TRY(params.get_u64("id", 0));
  const std::string status = TRY(params.get_string("status", ""));
  const bool known = std::any_of(view.nodes.begin(), view.nodes.end(),
                                 [&](const NodeView& one) { return one.self.id == id; });
  if (!known) return fail(Errc::not_found, "no node {}", id);
  if (status != "up" && status != "down")
    return fail(Errc::malformed, "status '{}' (want up or down)", printable(status));
  return WantedStatus{id, status == "up"};
}

Json statuses_json(const View& view)
{
  return Json{}.set("statuses", codec::list_of(view.nodes, [](const NodeView& one) {
                      return Json{}
                          .set("node_id", one.self.id)
                          .set("status", one.accepting ? "up" : "down");
                    }));
}

/// Of nodes that are up: what a dead one had are no connections.
Json connections_json(const View& view)
{
  std::uint64_t total = 0;
  Json nodes = Json::object();
  for (const NodeView& one : view.nodes) {
    if (!one.up) continue;
    total += one.connections;
    nodes.set(fmt::format("{}", one.self.id), one.connections);
  }
  return Json{}.set("total_connections", total).set("node_connections", std::move(nodes));
}

} // namespace

Json nodes_json(const View& view)
{
  return codec::list_of(view.nodes, node_json);
}

Json store_json(const StoreView& store)
{
  if (!store.there) return Json{};
  return Json{}
      .set("healthy", store.healthy)
      .set("problem", store.problem)
      .set("member", store.member)
      .set("refused", store.refused);
}

AdminOutside::Done when(Method::Done done)
{
  return [done = std::move(done)](const Status& what) {
    done(what ? Result<Json>{Json::object()} : Result<Json>{what.error()});
  };
}

void add_nodes(rpc::Service& to, const AdminOutside& outside)
{
  const auto& none = messages::none();
  to.methods["SetNodeStatus"] = Method::later(
      messages::node_status(), none, [&outside](const Json& params, Method::Done done) {
        const auto wanted = wanted_status(outside.view(), params);
        if (!wanted) return done(wanted.error());
        outside.set_accepting(wanted->node, wanted->accepting, when(std::move(done)));
      });
  to.methods["GetNodeStatuses"] = {
      none, messages::node_statuses(),
      [&outside](const Json&) -> Result<Json> { return statuses_json(outside.view()); }};
  to.methods["GetGlobalConnections"] = {
      none, messages::global_connections(),
      [&outside](const Json&) -> Result<Json> { return connections_json(outside.view()); }};
}

} // namespace dstack::gateway
