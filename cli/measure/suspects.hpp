#pragma once
/// What a diagnosis starts from: the VM as it is stated, and the images at hand.

#include "attest/evidence.hpp"
#include "cli/measure/material.hpp"
#include "cli/measure/shape_options.hpp"

namespace dstack::cli {

struct Stated {
  measure::TdxShape shape{};
  std::string source{}; ///< "options and the evidence's vm_config"
  codec::Json vm_config{};
};
/// Options over the evidence's vm_config over defaults; with an image, as its firmware takes its
/// kernel.
Result<Stated> stated_vm(const attest::Evidence& evidence,
                         const ShapeOptions& options,
                         const std::string& image,
                         const Context& ctx);

struct EvidenceFacts {
  const attest::Evidence& evidence;
  const measure::Observed& observed;
  bool simulated = false;
};
struct Diagnosed {
  measure::Diagnosis diagnosis{};
  std::string image{};                ///< name; "the evidence's document" without one
  std::vector<std::string> others{};  ///< images that were tried besides
};
/// Other images of this user are read only when the image itself explains less than everything.
Result<Diagnosed> diagnose_evidence(const EvidenceFacts& facts,
                                    const Stated& stated,
                                    const std::string& image,
                                    Context& ctx);

} // namespace dstack::cli
