#pragma once
/// The operator's side, on a unix socket that only its owner can open: Admin.Status, Reload, Lock,
/// Unlock, Rotate, Sync, and the published ClearImageCache.

#include "agents/kms/node.hpp"
#include "net/http_server.hpp"

namespace dstack::kmsnode {

class Admin {
public:
  Admin(sys::Loop& loop, Node& node);
  Status listen();

private:
  rpc::Service service();

  Node& node_;
  rpc::Service service_;
  std::unique_ptr<net::HttpServer> http_;
};

} // namespace dstack::kmsnode
