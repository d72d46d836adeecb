#pragma once
/// The messages of the guest API by their published numbers (spec guest 2 to 5).

#include "rpc/prpc.hpp"

namespace dstack::guestapi::messages {

using Fields = std::vector<rpc::Field>;

const Fields& none();
const Fields& get_tls_key();
const Fields& tls_key();
const Fields& get_key();
const Fields& key();
const Fields& k256_key();
const Fields& report_data();
const Fields& quote();
const Fields& attestation();
const Fields& app_info();
const Fields& gpu_info();
const Fields& sign();
const Fields& signature();
const Fields& verify();
const Fields& verified();
const Fields& version();
const Fields& algorithm();
const Fields& derive_key();
const Fields& tdx_quote_args();
const Fields& tdx_quote();

} // namespace dstack::guestapi::messages
