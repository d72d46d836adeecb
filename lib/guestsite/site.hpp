#pragma once
/// The port for the world (spec guest 4): dashboard, container logs, metrics, the Worker service.

#include "guestapi/log_query.hpp"
#include "guestapi/page.hpp"
#include "net/http_server.hpp"
#include "rpc/prpc.hpp"

namespace dstack::guestsite {

using Containers = Result<std::vector<guestapi::PageContainer>>;

/// Where the answers come from. All of it is called from the loop's thread.
struct ExternalSite {
  bool public_logs = false;
  bool public_sysinfo = false;
  std::function<Result<guestapi::PageFacts>()> facts;
  /// For a list that has to be waited for; when empty, what facts says is shown.
  std::function<void(std::function<void(Containers)>)> containers;
  std::function<Result<guestapi::SystemInfo>()> system;
  /// Sends the log as pieces and finishes; the head is already sent. May be empty.
  std::function<void(std::string container, guestapi::LogQuery, net::Responder)> logs;
  rpc::Service worker;        ///< mount "/prpc/", trimmed_prefix "Worker."
  std::string version_header; ///< "v0.6.0 (rev)"
};

/// Answers one request. GET /, /logs/<container> (public_logs), /metrics (public_sysinfo), and
/// /prpc/<method>; other paths are 404, other verbs 405.
void serve_external(const ExternalSite& site,
                    const http::Request& request,
                    const net::Responder& to);

/// A server on a listening socket, as long as the result lives; site must live as long.
Result<std::unique_ptr<net::HttpServer>>
serve_external_port(sys::Loop& loop, const ExternalSite& site, sys::Fd listener);

} // namespace dstack::guestsite
