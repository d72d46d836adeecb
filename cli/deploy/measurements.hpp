#pragma once
/// What a running guest says it measured. Claimed by the guest, not verified here.

#include "cli/ui/console.hpp"
#include "store/vm_store.hpp"

#include <optional>

namespace dstack::cli {

struct Measurements {
  std::string mrtd;
  std::string rtmr0;
  std::string rtmr1;
  std::string rtmr2;
  std::string rtmr3;
  std::string mr_aggregated;
  std::string instance_id;
};

/// Asks the guest agent (Info).
Result<Measurements> guest_measurements(const store::VmRecord& vm);
codec::Json measurements_json(const Measurements& measurements);
void print_measurements(Console& ui, const Measurements& measurements);

} // namespace dstack::cli
