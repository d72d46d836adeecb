#pragma once
/// The simulated TEE's guest side: every operation is a request to the VM's supervisor, which plays
/// the hardware (sim_host.hpp). Nothing here protects anything from the host.

#include "codec/json.hpp"
#include "tee/tee.hpp"

#include <functional>

namespace dstack::tee {

/// Sends one request to the host and waits for its answer.
using HostCall = std::function<Result<codec::Json>(std::string_view method, codec::Json params)>;

std::unique_ptr<Tee> make_simulated(HostCall call);

} // namespace dstack::tee
