#pragma once
/// The facts `dstack doctor` judges: of this machine with the services it is to reach, or of a file.

#include "cli/context.hpp"
#include "config/config.hpp"
#include "host/checks.hpp"

namespace dstack::cli {

enum class Network { asked, left_alone };

/// Asks Intel's PCS or a PCCS (for TDX), or AMD's key service (for SEV-SNP), unless the network is
/// left alone; nobody for simulated VMs.
void add_services(codec::Json& facts,
                  host::Platform platform,
                  const config::Config& config,
                  Network network);

/// A file of recorded facts; "-" is stdin.
Result<host::Facts> read_facts(const std::string& file);
/// Writes facts with when and by what they were gathered; "-" is stdout. Fails rather than
/// replacing a file that is no recording.
Status record_facts(codec::Json facts, const std::string& file, Context& ctx);

} // namespace dstack::cli
