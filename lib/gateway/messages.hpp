#pragma once
/// The messages of the services Gateway and Admin by their published numbers (spec gateway 3, 4).
/// Ours have numbers from 100.

#include "rpc/prpc.hpp"

namespace dstack::gateway::messages {

using Fields = std::vector<rpc::Field>;

const Fields& none();
const Fields& register_cvm();
const Fields& registered();
const Fields& acme_info();
const Fields& info();
const Fields& peers();

const Fields& id(); ///< {1:id}, {1:instance_id}
const Fields& instance_id();
const Fields& domain();
const Fields& exit();
const Fields& node_status();
const Fields& node_statuses();
const Fields& handshakes();
const Fields& global_connections();
const Fields& status();
const Fields& host_info();
const Fields& meta();
const Fields& renewed();
const Fields& renew_domain();
const Fields& renewed_domain();
const Fields& zt_domain();
const Fields& zt_domain_info();
const Fields& zt_domains();
const Fields& list_attestations();
const Fields& attestations();
const Fields& set_port_policy();
const Fields& instance_policy();
const Fields& drain_instance();

} // namespace dstack::gateway::messages
