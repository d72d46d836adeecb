#pragma once
/// The reference verifier's HTTP answer (spec host 6.2), made from evidence and what it proved.

#include "codec/json.hpp"
#include "verify/verify.hpp"

namespace dstack::verify {

/// {is_valid, details, reason?}. is_valid is the verdict under the policy applied;
/// os_image_hash_verified says whether registers were compared with an image.
codec::Json reference_answer(const attest::Evidence& evidence, const Proven& proven);
/// The answer to a request that holds no evidence.
codec::Json reference_refusal(std::string_view reason);

} // namespace dstack::verify
