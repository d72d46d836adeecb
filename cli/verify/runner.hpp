#pragma once
/// Judging many inputs at once: every worker has its own verifier, all share the collateral.

#include "cli/verify/inputs.hpp"
#include "cli/verify/question.hpp"
#include "fetch/collateral_shelf.hpp"
#include "verify/bundle.hpp"

namespace dstack::cli {

/// What the options settled before the first input is looked at.
struct Session {
  verify::Question question{};
  std::string image{};       ///< --image, expected of each input by its own shape
  bool policy_given = false; ///< --policy overrides that of a bundle
  bool at_given = false;
  bool at_is_now = false; ///< a service: every request is judged as of its own time
  dcap::Anchor root = dcap::Anchor::intel();    ///< --root, else Intel's
  std::optional<dcap::Anchor> simulated_root{}; ///< this machine's, when there is one
  std::shared_ptr<fetch::CollateralShelf> shelf{};
  std::chrono::milliseconds timeout{30'000}; ///< for reading an address
};

/// What of an input is kept beside the verdict.
enum class Keep { verdict, bundle };

/// One input's verdict with what was proven, and what it came from when that was to be kept and
/// it came to a judgement at all.
struct Judged {
  verify::Proven proven{};
  std::optional<verify::Bundle> bundle{};

  const verify::Verdict& verdict() const { return proven.verdict; }
};

/// One thread's part: verifiers remember what they have proven.
class Worker {
public:
  Worker(const Session& session, const Context& ctx);

  Judged judge(const Input& input, Keep keep);
  /// Evidence that is already in memory, under that name.
  Judged judge_bytes(const std::string& name, ByteView file, Keep keep);
  Judged judge_evidence(const std::string& name, const attest::Evidence& evidence);

private:
  /// What a bundle brings to its own judgement.
  struct Brought {
    fetch::CollateralShelf::Shared collateral{};
    std::optional<snp::Certificates> certificates{};
  };

  Judged judge_with(const std::string& name,
                    const attest::Evidence& evidence,
                    verify::Question question,
                    Brought brought,
                    Keep keep);
  /// Adds to what was brought what is lacking; the error when it cannot be had.
  std::optional<Error> complete(const attest::Evidence& evidence,
                                const verify::Question& question,
                                bool simulated,
                                Brought& brought) const;
  /// The session's; a service asks as of this moment.
  verify::Question question_now() const;
  Judged judge_bundle(const std::string& name, std::string_view text);
  Judged failed(const std::string& name, const Error& error) const;
  /// What --image predicts for the shape this evidence claims; remembered by shape.
  Result<verify::ImageExpectation> image_for(const attest::Evidence& evidence, bool simulated);

  const Session& session_;
  const Context& ctx_;
  dcap::Verifier verifier_;
  std::optional<dcap::Verifier> simulated_;
  std::map<std::string, verify::ImageExpectation> images_;
};

/// The exit status that all verdicts together give.
Exit exit_of(const std::vector<verify::Verdict>& verdicts);

} // namespace dstack::cli
