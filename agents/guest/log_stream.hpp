#pragma once
/// Container logs on their way from dockerd to the host: one container, or all of them with the
/// service's name before each line.

#include "guest/docker_wire.hpp"
#include "guest/engine.hpp"
#include "guest/host_link.hpp"
#include "guestapi/log_query.hpp"

namespace dstack::guest {

struct LogRequest {
  std::string container{}; ///< "" = all of the app
  guestapi::LogQuery query{};
};

Result<LogRequest> parse_log_request(const codec::Json& params);
/// The request to dockerd's Engine API.
std::string log_target(const guestapi::LogQuery& query, std::string_view container_id);

/// Puts a prefix before each line of text that arrives in pieces.
class LinePrefixer {
public:
  explicit LinePrefixer(std::string prefix) : prefix_(std::move(prefix)) {}
  std::string feed(std::string_view text);

private:
  std::string prefix_;
  bool at_start_ = true;
};

/// Streams the chosen logs as pieces of the answer and finishes it.
void stream_logs(Engine& engine,
                 const LogRequest& request,
                 std::string_view project,
                 const HostReply& reply);

} // namespace dstack::guest
