#pragma once
/// gzip (RFC 1952), one member, with the size of what comes out bounded.

#include "base/bytes.hpp"

namespace dstack::codec {

Result<Bytes> gunzip(ByteView data, std::size_t limit);

} // namespace dstack::codec
