#pragma once
/// The verdict on a SEV-SNP report: AMD's chain, the chip, its firmware, the signature. Pure; what
/// the guest's owner allowed (debugging, migration) is reported as flags for a policy to judge.

#include "snp/anchors.hpp"
#include "snp/report.hpp"

namespace dstack::snp {

/// DER. Not trusted.
struct Certificates {
  Bytes vcek{};
  Bytes ask{};
  Bytes ark{}; ///< may be absent: the pinned one counts
  Bytes crl{}; ///< may be absent: then revocation is not judged
};
/// Tells certificates apart by their subjects (SEV-VCEK, SEV-<product>, ARK-<product>). Errors for
/// others, for two of a kind, and for a VLEK, which is not supported.
Result<Certificates> sort_certificates(const std::vector<Bytes>& ders);

enum class StageOutcome { passed, failed, not_run };
struct Stage {
  std::string_view id{}; ///< "snp.signature"
  std::string_view title{};
  std::string_view source{};
  StageOutcome outcome = StageOutcome::not_run;
  std::string expected{};
  std::string seen{};
};

/// Work done, counted where it happens.
struct Counts {
  unsigned signatures = 0;
  unsigned certificates = 0; ///< parsed, revocation list included
  unsigned windows = 0;      ///< validity periods judged
  unsigned comparisons = 0;
};

struct ChainLink {
  std::string what{};   ///< "ARK-Milan"
  std::string detail{}; ///< "pinned"
};

struct SnpFacts {
  Report report{};
  Product product = Product::milan;
  std::string product_name{};       ///< of the VCEK: "Milan-B0"
  Tcb tcb{};                        ///< reported; the VCEK's as well
  std::string tcb_status{};         ///< "UpToDate" or "OutOfDate"
  Bytes hwid{};                     ///< of the VCEK: 64 bytes, on Turin 8
  std::vector<std::string> flags{}; ///< attribute_flags()
  bool revocation_checked = false;
  std::int64_t valid_from = 0; ///< Unix seconds; within these the verdict repeats
  std::int64_t valid_until = 0;
  std::vector<ChainLink> chain{}; ///< root first
};

struct Verification {
  std::vector<Stage> stages{};     ///< all of them, in order; those after a failure did not run
  std::optional<SnpFacts> facts{}; ///< when nothing failed
  std::optional<Error> error{};    ///< else
  Counts counts{};
};

/// Never fails: what goes wrong is in the stages. At is in Unix seconds.
Verification verify(ByteView report,
                    const Certificates& certificates,
                    const std::vector<Anchor>& anchors,
                    std::int64_t at);

} // namespace dstack::snp
