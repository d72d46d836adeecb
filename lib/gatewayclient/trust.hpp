#pragma once
/// Which server is the gateway (spec gateway 8): an app of the VM's KMS, the one that the KMS
/// names.

#include "base/bytes.hpp"

namespace dstack::gatewayclient {

/// gateway_app_id as the KMS gave it with the app's keys: 40 hex digits, in any case and with or
/// without "0x", or "any". Errc::config for anything else, "" included: no gateway is allowed then.
Status check_gateway_id(std::string_view gateway_app_id);

/// The server's certificate, which the caller has seen to chain to the KMS' root: of an app, and of
/// this very one. "any" is any app of that KMS, so whoever may get a certificate there. Names in it
/// prove nothing: a KMS gives apps those they ask for.
Status check_gateway(ByteView certificate_der, std::string_view gateway_app_id);

} // namespace dstack::gatewayclient
