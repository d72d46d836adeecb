#pragma once
/// What a TlsServer holds. Not for use outside net.

#include "net/tls.hpp"
#include "net/tls_session.hpp"

namespace dstack::net {

struct TlsServer::State {
  SslContext context{};
};

Result<std::unique_ptr<TlsSession>> accept_session(const TlsServer& server, int fd);

} // namespace dstack::net
