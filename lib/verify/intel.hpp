#pragma once
/// An Intel quote's part of a verdict.

#include "dcap/verify.hpp"
#include "verify/subject.hpp"
#include "verify/verdict.hpp"

namespace dstack::verify {

/// Verifies a quote and writes its checks, chain, facts and status into the verdict. When all hold,
/// the subject is filled. Otherwise the verdict's answer and reason are set.
bool check_quote(dcap::Verifier& verifier,
                 ByteView quote,
                 const dcap::HashedCollateral& collateral,
                 Time at,
                 Verdict& verdict,
                 Subject& subject);

/// Facts of a quote as it stands, proven or not: what `quote inspect` shows.
std::vector<Fact> facts_of(const dcap::Quote& quote);

/// Common name of the root that the quote's certificate chain names; empty when it has none.
std::string claimed_root(const dcap::Quote& quote);
/// The quote's chain names a root of a simulated TEE.
bool claims_simulated(const dcap::Quote& quote);

/// A verdict that ends here, for this reason; the answer follows from the error's code.
void end_with(Verdict& verdict, const Error& error);

} // namespace dstack::verify
