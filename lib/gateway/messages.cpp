#include "gateway/messages.hpp"

namespace dstack::gateway::messages {

using rpc::FieldKind;
using rpc::Need;

namespace {

const Fields& port_policy()
{
  static const Fields port = {{1, "port", FieldKind::u64}, {2, "pp", FieldKind::boolean}};
  static const Fields fields = {{1, "ports", FieldKind::messages, Need::defaulted, port},
                                {2, "restrict_mode", FieldKind::boolean}};
  return fields;
}

const Fields& wireguard()
{
  static const Fields peer = {{1, "pk"}, {2, "ip"}, {3, "endpoint"}};
  static const Fields fields = {{1, "client_ip"},
                                {2, "servers", FieldKind::messages, Need::defaulted, peer}};
  return fields;
}

const Fields& node()
{
  static const Fields fields = {{1, "id", FieldKind::u64},
                                {2, "uuid", FieldKind::bytes},
                                {3, "url"},
                                {4, "last_seen", FieldKind::u64},
                                {5, "wg_public_key"},
                                {6, "wg_ip"},
                                {7, "wg_endpoint"}};
  return fields;
}

/// As operators see it.
const Fields& node_with_state()
{
  static const Fields fields = [] {
    Fields out = node();
    out.push_back({100, "up", FieldKind::boolean});
    out.push_back({101, "status"});
    out.push_back({102, "num_connections", FieldKind::u64});
    out.push_back({103, "version"});
    return out;
  }();
  return fields;
}

const Fields& store()
{
  static const Fields fields = {{1, "healthy", FieldKind::boolean},
                                {2, "problem"},
                                {3, "member"},
                                {4, "refused", FieldKind::u64}};
  return fields;
}

const Fields& attestation()
{
  static const Fields fields = {{1, "public_key", FieldKind::bytes},
                                {2, "quote"},
                                {3, "generated_by", FieldKind::u64},
                                {4, "generated_at", FieldKind::u64}};
  return fields;
}

} // namespace

const Fields& none()
{
  static const Fields fields;
  return fields;
}

const Fields& register_cvm()
{
  static const Fields fields = {
      {1, "client_public_key"},
      {2, "port_policy", FieldKind::message, Need::optional, port_policy()}};
  return fields;
}

const Fields& registered()
{
  static const Fields agent = {{1, "external_port", FieldKind::u64},
                               {2, "internal_port", FieldKind::u64},
                               {3, "domain"},
                               {4, "app_address_ns_prefix"}};
  static const Fields fields = {{1, "wg", FieldKind::message, Need::defaulted, wireguard()},
                                {2, "agent", FieldKind::message, Need::defaulted, agent},
                                {3, "gateways", FieldKind::messages, Need::defaulted, node()}};
  return fields;
}

const Fields& acme_info()
{
  static const Fields key = {{1, "public_key", FieldKind::bytes}, {2, "quote"}, {3, "attestation"}};
  static const Fields fields = {{1, "account_uri"},
                                {3, "quoted_hist_keys", FieldKind::messages, Need::defaulted, key},
                                {4, "account_quote"},
                                {5, "account_attestation"}};
  return fields;
}

const Fields& info()
{
  static const Fields fields = {{1, "base_domain"},
                                {2, "external_port", FieldKind::u64},
                                {3, "app_address_ns_prefix"},
                                {4, "version"}};
  return fields;
}

const Fields& peers()
{
  static const Fields peer = {{1, "id", FieldKind::u64}, {2, "url"}};
  static const Fields fields = {{1, "my_id", FieldKind::u64},
                                {2, "my_url"},
                                {3, "peers", FieldKind::messages, Need::defaulted, peer}};
  return fields;
}

const Fields& id()
{
  static const Fields fields = {{1, "id"}};
  return fields;
}

const Fields& instance_id()
{
  static const Fields fields = {{1, "instance_id"}};
  return fields;
}

const Fields& domain()
{
  static const Fields fields = {{1, "domain"}};
  return fields;
}

const Fields& exit()
{
  static const Fields fields = {{1, "force", FieldKind::boolean}};
  return fields;
}

const Fields& node_status()
{
  static const Fields fields = {{1, "id", FieldKind::u64}, {2, "status"}};
  return fields;
}

const Fields& node_statuses()
{
  static const Fields fields = {
      {1, "statuses", FieldKind::messages, Need::defaulted,
       {{1, "node_id", FieldKind::u64}, {2, "status"}}}};
  return fields;
}

const Fields& handshakes()
{
  static const Fields fields = {
      {1, "handshakes", FieldKind::messages, Need::defaulted,
       {{1, "observer_node_id", FieldKind::u64}, {2, "timestamp", FieldKind::u64}}}};
  return fields;
}

const Fields& global_connections()
{
  static const Fields fields = {{1, "total_connections", FieldKind::u64},
                                {2, "node_connections", FieldKind::counts}};
  return fields;
}

const Fields& host_info()
{
  static const Fields fields = {{1, "instance_id"},
                                {2, "ip"},
                                {3, "app_id"},
                                {4, "base_domain"},
                                {6, "latest_handshake", FieldKind::u64},
                                {7, "num_connections", FieldKind::u64},
                                {100, "drained", FieldKind::boolean},
                                {101, "registered", FieldKind::u64},
                                {102, "failures", FieldKind::u64},
                                {103, "ports"}};
  return fields;
}

const Fields& status()
{
  static const Fields fields = {
      {1, "id", FieldKind::u64},
      {2, "url"},
      {3, "bootnode_url"},
      {4, "num_connections", FieldKind::u64},
      {5, "hosts", FieldKind::messages, Need::defaulted, host_info()},
      {6, "nodes", FieldKind::messages, Need::defaulted, node_with_state()},
      {7, "uuid", FieldKind::bytes},
      {100, "version"},
      {101, "status"},
      {102, "reach"},
      {103, "domains", FieldKind::messages, Need::defaulted, zt_domain_info()},
      {104, "development", FieldKind::boolean},
      {105, "app_id", FieldKind::bytes},
      {106, "rpc"},
      {107, "proxy", FieldKind::texts},
      {108, "store", FieldKind::message, Need::optional, store()}};
  return fields;
}

const Fields& meta()
{
  static const Fields fields = {{1, "registered", FieldKind::u64}, {2, "online", FieldKind::u64}};
  return fields;
}

const Fields& renewed()
{
  static const Fields fields = {{1, "renewed", FieldKind::boolean}};
  return fields;
}

const Fields& renew_domain()
{
  static const Fields fields = {{1, "domain"}, {2, "force", FieldKind::boolean}};
  return fields;
}

const Fields& renewed_domain()
{
  static const Fields fields = {{1, "renewed", FieldKind::boolean},
                                {2, "not_after", FieldKind::u64}};
  return fields;
}

const Fields& zt_domain()
{
  static const Fields fields = {{1, "domain"},
                                {2, "dns_cred_id", FieldKind::text, Need::optional},
                                {3, "port", FieldKind::u64},
                                {4, "node", FieldKind::u64, Need::optional},
                                {5, "priority", FieldKind::u64}};
  return fields;
}

const Fields& zt_domain_info()
{
  static const Fields certificate = {{1, "has_cert", FieldKind::boolean},
                                     {2, "not_after", FieldKind::u64},
                                     {3, "issued_by", FieldKind::u64},
                                     {4, "issued_at", FieldKind::u64},
                                     {5, "loaded_in_memory", FieldKind::boolean},
                                     {100, "problem"}};
  static const Fields fields = {
      {1, "config", FieldKind::message, Need::defaulted, zt_domain()},
      {2, "cert_status", FieldKind::message, Need::defaulted, certificate}};
  return fields;
}

const Fields& zt_domains()
{
  static const Fields fields = {
      {1, "domains", FieldKind::messages, Need::defaulted, zt_domain_info()}};
  return fields;
}

const Fields& list_attestations()
{
  static const Fields fields = {{1, "domain"}, {2, "limit", FieldKind::u64}};
  return fields;
}

const Fields& attestations()
{
  static const Fields fields = {
      {1, "latest", FieldKind::message, Need::optional, attestation()},
      {2, "history", FieldKind::messages, Need::defaulted, attestation()}};
  return fields;
}

const Fields& set_port_policy()
{
  static const Fields fields = {{1, "instance_id"},
                                {2, "policy", FieldKind::message, Need::optional, port_policy()}};
  return fields;
}

const Fields& instance_policy()
{
  static const Fields fields = {
      {1, "effective", FieldKind::message, Need::optional, port_policy()},
      {2, "source"},
      {3, "instance_reported", FieldKind::message, Need::optional, port_policy()},
      {4, "admin_override", FieldKind::message, Need::optional, port_policy()}};
  return fields;
}

const Fields& drain_instance()
{
  static const Fields fields = {{1, "instance_id"}, {2, "drained", FieldKind::boolean}};
  return fields;
}

} // namespace dstack::gateway::messages
