#pragma once
/// OpenSSL's own memory.

namespace dstack::crypto {

/// From now on OpenSSL overwrites whatever it frees: buffers of connections hold keys on their way
/// out. Call it before anything else of OpenSSL is used; later it has no effect.
void wipe_freed_memory();

} // namespace dstack::crypto
