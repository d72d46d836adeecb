#pragma once
/// TLS records that the kernel makes of what is sent (Linux, Documentation/networking/tls.rst). OpenSSL
/// shakes hands and hands over the keys.

#include "base/result.hpp"

namespace dstack::proxy {

/// Tries it on a connection of its own over loopback: TLS 1.3 with AES-128-GCM. The error says what
/// this kernel lacks.
Status try_kernel_tls();

} // namespace dstack::proxy
