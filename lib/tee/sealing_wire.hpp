#pragma once
/// What an SGX key provider speaks over TCP: a frame each way, a big-endian length and JSON whose
/// byte strings are arrays of numbers (spec host 1.18, kms 16).

#include "codec/json.hpp"

namespace dstack::tee {

inline constexpr std::size_t sealing_prefix_size = 4;
inline constexpr std::size_t max_sealing_answer = std::size_t{1} << 20U;

/// {"quote":[…]}, with its length in front.
Bytes sealing_request(ByteView quote);

/// Length of the frame that follows; refused when it is none or above the limit.
Result<std::size_t> sealing_answer_size(ByteView prefix);

struct SealingAnswer {
  Bytes encrypted_key{};
  Bytes provider_quote{};
};
Result<SealingAnswer> parse_sealing_answer(std::string_view text);

} // namespace dstack::tee
