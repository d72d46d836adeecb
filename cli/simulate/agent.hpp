#pragma once
/// A guest agent played on this machine, on a unix socket, for a service that runs outside a VM.

#include "cli/context.hpp"
#include "cli/simulate/world.hpp"
#include "guestsite/kms_signer.hpp"
#include "net/http_server.hpp"

namespace dstack::cli {

/// The guest agent of this machine: as given, as set, as DSTACK_AGENT_ADDRESS says, or a usual
/// socket; empty when there is none.
std::string known_agent(const Context& ctx, const std::string& given, const std::string& set);

class PlayedAgent {
public:
  /// DIR/agent.sock, for as long as this lives.
  static Result<std::unique_ptr<PlayedAgent>>
  create(sys::Loop& loop, const sys::fs::path& directory, World world);
  ~PlayedAgent();
  PlayedAgent(const PlayedAgent&) = delete;
  PlayedAgent& operator=(const PlayedAgent&) = delete;

  std::string address() const { return fmt::format("unix:{}", socket_.string()); }

private:
  PlayedAgent(sys::fs::path socket, World world);

  sys::fs::path socket_;
  World world_;
  rpc::Service service_;
  std::unique_ptr<guestsite::KmsSigner> signer_; ///< when keys are a KMS'
  std::unique_ptr<net::HttpServer> server_;
};

/// Who signs the certificates of a world whose keys are a KMS'.
Result<std::unique_ptr<guestsite::KmsSigner>> make_signer(sys::Loop& loop, const World& world);

} // namespace dstack::cli
