#pragma once
/// The part of Admin that is about the nodes of a cluster; for admin.cpp.

#include "gateway/admin.hpp"

namespace dstack::gateway {

codec::Json nodes_json(const View& view);
codec::Json store_json(const StoreView& store); ///< null: this node is alone
/// Answers with nothing, or with why it was not done.
AdminOutside::Done when(rpc::Method::Done done);
void add_nodes(rpc::Service& to, const AdminOutside& outside);

} // namespace dstack::gateway
