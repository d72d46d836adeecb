#pragma once
/// The messages of the KMS API by their published numbers (spec kms 2.2, 3). Ours have numbers from
/// 100: others pass over them, and 9 to 13 are reserved by the published API (spec kms 19.3).

#include "rpc/prpc.hpp"

namespace dstack::kmsapi::messages {

using Fields = std::vector<rpc::Field>;

const Fields& none();
const Fields& get_app_key();
const Fields& app_key();
const Fields& app_id();
const Fields& public_key();
const Fields& meta();
const Fields& get_kms_key();
const Fields& kms_key();
const Fields& temp_ca_cert();
const Fields& sign_cert();
const Fields& certificate_chain();
const Fields& clear_image_cache();
const Fields& release_share(); ///< Custody.Release, ours
const Fields& share();

} // namespace dstack::kmsapi::messages
