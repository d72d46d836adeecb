#pragma once
/// What verification found: an answer, and every check that led to it.

#include "base/text.hpp"
#include "dcap/counts.hpp"

#include <optional>

namespace dstack::verify {

enum class Outcome {
  passed,
  failed,  ///< the evidence or the policy says no
  noted,   ///< worth reading, does not decide
  not_run, ///< could not be checked, or an earlier failure made it pointless
};
std::string_view name_of(Outcome outcome);

/// One question and its answer. Ids are stable: pipelines match on them.
struct Check {
  std::string id{};    ///< "quote.signature", "policy.tcb-status"
  std::string title{}; ///< "the quote is signed by its attestation key"
  Outcome outcome = Outcome::not_run;
  std::string expected{}; ///< in words or hex; empty when the title says it
  std::string seen{};
  std::string source{}; ///< where the expectation comes from: "Intel PCS TCB info", "--compose",
                        ///< "policy strict"
};

enum class Answer {
  trusted,   ///< exit 0
  unchecked, ///< exit 1: something needed could not be had
  refused,   ///< exit 3
  malformed, ///< exit 4
};
std::string_view name_of(Answer answer);

/// A link of the chain of trust, from the hardware vendor's root down to the application.
struct Link {
  std::string what{};   ///< "Intel SGX Root CA"
  std::string detail{}; ///< "valid until 2049-12-31"
};

/// Facts read from the evidence, by name, in the order they are shown: {"MRTD", hex}, {"app id",
/// hex}.
struct Fact {
  std::string name{}; ///< also the key of the JSON output, in snake_case there
  std::string value{};
};

struct Verdict {
  std::string input{}; ///< file name, "-" or URL
  Answer answer = Answer::unchecked;
  std::string reason{};     ///< one sentence; empty when trusted
  bool simulated = false;   ///< signed by the simulated TEE's development root
  std::string evidence{};   ///< "TDX quote v4 in a dstack attestation V1"
  std::string tee{};        ///< "tdx", "sgx", "sev-snp"
  std::string tcb_status{}; ///< as the vendor names it; empty when not reached
  std::vector<std::string> advisory_ids{};
  std::string policy{}; ///< name of the policy applied
  Time at{};            ///< the time everything was judged at
  std::int64_t valid_from =
      0; ///< Unix seconds; this verdict repeats within [valid_from, valid_until]
  std::int64_t valid_until = 0;
  std::vector<Link> chain{};
  std::vector<Fact> facts{};
  std::vector<Check> checks{};
  dcap::Counts counts{}; ///< what the answer took
};

} // namespace dstack::verify
