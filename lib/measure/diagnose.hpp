#pragma once
/// Why a quote's registers are not those predicted: which register, which event in it, and the
/// input that would make it match.

#include "measure/shape_search.hpp"

namespace dstack::measure {

/// One of several firmwares, kernels, command lines or initrds; the first of each list is the
/// image's own, the others are those of other images.
struct FirmwareSuspect {
  std::string label{}; ///< "dstack-0.5.5"
  TdHobLayout hob{};
  crypto::Sha384Digest cfv{};
  std::map<PageOrder, crypto::Sha384Digest> mrtd{};
};
struct KernelSuspect {
  std::string label{};
  /// Asked only for what is needed: a kernel takes some milliseconds.
  std::function<Result<crypto::Sha384Digest>(KernelForm)> digest{};
  bool normalised = false; ///< see TdxMaterial
};
struct DigestSuspect {
  std::string label{};
  crypto::Sha384Digest digest{};
};

/// What is stated about the VM, and what else it may have been.
struct Suspects {
  TdxShape stated{};
  std::vector<FirmwareSuspect> firmwares{};
  std::vector<KernelSuspect> kernels{};
  std::vector<DigestSuspect> cmdlines{};
  std::vector<DigestSuspect> initrds{};
};

/// What the quote has.
struct Observed {
  crypto::Sha384Digest mrtd{};
  std::array<crypto::Sha384Digest, 3> rtmr{};
  /// Of each register's events, when a log has them and they replay to it; else empty.
  std::array<std::vector<crypto::Sha384Digest>, 3> events{};
  /// From a log that has only these of RTMR0: not proven by themselves.
  std::optional<AcpiDigests> acpi{};
};
/// Takes from a log what it can vouch for.
void add_log(Observed& observed, const std::vector<attest::TdxEvent>& log);

enum class Fit {
  stated,  ///< as stated
  changed, ///< with other inputs
  nothing  ///< with no input that was tried
};
std::string_view name_of(Fit fit); ///< "as stated", "other inputs", "no fit"

struct Finding {
  std::string place{};             ///< "MRTD", "RTMR0"
  std::vector<std::string> events{}; ///< those that differ; empty: the register as a whole
  Fit fit = Fit::nothing;
  crypto::Sha384Digest predicted{}; ///< of the event when there is exactly one, else the register
  crypto::Sha384Digest actual{};
  std::vector<Difference> differences{};
  std::string note{};
};

struct Diagnosis {
  std::vector<Finding> findings{}; ///< every register has one at least
  TdxShape found{};                ///< the stated shape with all that was found
};
/// Worst of the findings.
Fit verdict_of(const Diagnosis& diagnosis);

/// Errors are those of predicting the stated shape.
Result<Diagnosis> diagnose(const Suspects& suspects, const Observed& observed);

/// The same for the simulated TEE, whose RTMR0 and RTMR1 hold events of its own (measure/boot.hpp).
struct SimulatedSuspects {
  TdxShape stated{}; ///< only CPUs and memory count
  std::vector<DigestSuspect> firmwares{}; ///< MRTDs
  std::vector<DigestSuspect> kernels{};   ///< SHA-384 of the files
  std::vector<DigestSuspect> cmdlines{};
  std::vector<DigestSuspect> initrds{};
};
Result<Diagnosis> diagnose(const SimulatedSuspects& suspects, const Observed& observed);

} // namespace dstack::measure
