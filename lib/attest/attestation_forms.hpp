#pragma once
/// The two forms of the attestation blob, for attestation.cpp.

#include "attest/attestation.hpp"

namespace dstack::attest {

inline constexpr std::size_t max_certificates = 8;

Result<Attestation> parse_v0(ByteView raw);
Bytes encode_v0(const Attestation& attestation);
Result<Attestation> parse_v1(ByteView raw);
Bytes encode_v1(const Attestation& attestation);

/// 48 bytes, or none in stripped logs.
Result<std::optional<Sha384Digest>> digest_from(ByteView raw);
Status check_event(const TdxEvent& event);

} // namespace dstack::attest
