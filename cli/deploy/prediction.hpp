#pragma once
/// The registers that hardware will report of a confidential VM, predicted when it is made.

#include "cli/deploy/measurements.hpp"
#include "measure/vm_config.hpp"

namespace dstack::cli {

struct Predicted {
  /// Names as in JSON, values in hex: "mrtd", "rtmr0" to "rtmr2"; "measurement" of SEV-SNP.
  std::vector<std::pair<std::string, std::string>> registers{};
  std::string command{}; ///< that predicts the same: "dstack measure …"
};
/// Reads the image's files. Errc::unsupported for a QEMU or an image nobody can predict.
Result<Predicted> predict(const store::VmSpec& spec, const measure::VmConfig& machine);

codec::Json predicted_json(const Predicted& predicted);
/// Lines for people, which say that nothing has reported this yet.
std::string predicted_text(const Predicted& predicted);

/// Names of the registers that the guest says otherwise, as people write them: "RTMR0".
std::vector<std::string> not_as_predicted(const Predicted& predicted, const Measurements& measured);

} // namespace dstack::cli
