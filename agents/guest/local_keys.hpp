#pragma once
/// Key provider "local": a sealing key from the SGX enclave on the same host (spec guest 13.3).

#include "base/text.hpp"
#include "crypto/sealed_box.hpp"
#include "dcap/anchor.hpp"
#include "guest/host_link.hpp"
#include "tee/sim_guest.hpp"

namespace dstack::guest {

struct LocalKey {
  Secret<32> seed;
  Bytes mr_enclave; ///< 32 bytes: who sealed it; the id in the event key-provider
};

/// Asks the host for the key of this TEE's state: to be called after boot-mr-done, before the event
/// key-provider. A real TEE's provider derives it from the measurements alone; the ids are what the
/// simulated one keeps keys by. Whether this enclave is the wanted one is the caller's to compare.
Result<LocalKey> request_local_key(tee::Tee& tee,
                                   HostLink& host,
                                   const std::string& app_id_hex,
                                   const std::string& instance_id_hex,
                                   Time now);

/// The same over any channel to the host.
Result<LocalKey> request_local_key(tee::Tee& tee,
                                   const tee::HostCall& host,
                                   const std::string& app_id_hex,
                                   const std::string& instance_id_hex,
                                   Time now);

/// The host's answer, nothing in it believed yet.
struct ProviderAnswer {
  Bytes encrypted_key{};    ///< sealed box
  Bytes provider_quote{};   ///< SGX
  std::string collateral{}; ///< JSON (spec verify 8), signed by Intel
};
Result<ProviderAnswer> parse_provider_answer(const codec::Json& answer);

/// The quote verifies up to this root now, is of an enclave that nobody can debug, and vouches for
/// the box; the box is for this recipient.
Result<LocalKey> open_provider_answer(const ProviderAnswer& answer,
                                      const crypto::BoxKey& recipient,
                                      const dcap::Anchor& anchor,
                                      Time now);

} // namespace dstack::guest
