#pragma once
/// What may follow a redirect.

#include "fetch/http_client.hpp"

namespace dstack::fetch {

/// The request for the next hop (an absolute URL). From https only to https (Errc::denied);
/// credentials in headers stay with the scheme, host and port they were meant for.
Result<ClientRequest> redirected(ClientRequest request, const std::string& next);

} // namespace dstack::fetch
