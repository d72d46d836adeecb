#pragma once
/// Writing DER (ITU-T X.690) for extension values. Reading certificates is OpenSSL's.

#include "base/bytes.hpp"

namespace dstack::x509::der {

Bytes tlv(std::uint8_t tag, ByteView content);
Bytes sequence(std::initializer_list<ByteView> members);
Bytes octet_string(ByteView content);
Bytes integer(std::uint64_t value);
Bytes enumerated(std::uint8_t value);
/// "1.2.840.113741.1.13.1"; the caller's constant, so a wrong one is our bug.
Bytes oid(std::string_view dotted);

} // namespace dstack::x509::der
