#pragma once
/// The SGX key provider of the simulated TEE: the supervisor plays it, with quotes of an enclave
/// that exists nowhere, so that the guest's half of the exchange is the real one (spec guest 13.3,
/// kms 16).

#include "codec/json.hpp"
#include "tee/sim_host.hpp"

namespace dstack::tee {

/// MRENCLAVE of the simulated provider: always the same, so that apps can pin it.
dcap::Field<32> sim_provider_id();

/// {"quote","app_id","instance_id"} -> {"encrypted_key","provider_quote","collateral"}, bytes in
/// hex. The quote must be of this VM in its present state. Unlike a real provider's, the key
/// depends on app id and instance id alone, so that it outlives updates of the app.
Result<codec::Json> provide_sealing_key(const SimAuthority& authority,
                                        const attest::TdxRegisters& registers,
                                        const codec::Json& params);

} // namespace dstack::tee
