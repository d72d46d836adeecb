#pragma once
/// What the host fixed in MRCONFIGID before the VM started, held against what the VM then measured
/// (spec guest 15.2 step 7, 20).

#include "attest/identity.hpp"
#include "compose/app_compose.hpp"
#include "guest/facts.hpp"

namespace dstack::guest {

/// key_provider is the payload of that event. An MRCONFIGID of zeros says nothing and passes; one
/// of another app, of another provider or of no known form is Errc::denied.
Status check_config_id(const attest::TdxRegisters& registers,
                       const Identity& identity,
                       const compose::AppCompose& app,
                       std::string_view key_provider,
                       std::string_view mr_config);

} // namespace dstack::guest
