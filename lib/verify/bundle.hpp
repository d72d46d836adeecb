#pragma once
/// Everything a verdict came from, in one file: evidence, collateral, policy, expectations and the
/// time. Whoever holds it can repeat the verdict without asking anybody. Roots are not in it: whom
/// to trust is the reader's to say.

#include "dcap/collateral.hpp"
#include "verify/judge.hpp"
#include "verify/verify.hpp"

namespace dstack::verify {

inline constexpr std::string_view bundle_schema = "dstack.verify.bundle/1";
inline constexpr std::size_t max_bundle = std::size_t{32} << 20U;

struct Bundle {
  std::string input{}; ///< name of the evidence when the bundle was made
  Bytes evidence{};    ///< as it was given
  std::optional<dcap::Collateral> collateral{};
  std::optional<snp::Certificates> amd_certificates{}; ///< when they were fetched
  Policy policy{};
  Expectations expectations{};
  std::optional<ImageExpectation> image{};
  Time at{}; ///< when the verdict was made
};

/// JSON; the same bundle gives the same bytes.
std::string to_text(const Bundle& bundle);
Result<Bundle> bundle_from_text(std::string_view text);
/// The text claims to be a bundle.
bool looks_like_bundle(ByteView file);

} // namespace dstack::verify
