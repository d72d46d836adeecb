#pragma once
/// The application's part of a verdict: event log, identity, certificate, image.

#include "verify/verify.hpp"

namespace dstack::verify {

/// Checks that the log explains RTMR3 and keeps its events and the identity they name. False when
/// that fails: then nothing about the app is known.
bool check_event_log(const attest::Evidence& evidence, const dcap::Quote& quote, Proven& out);
/// The attestation and certificate around a quote must speak of the quote's report data.
void check_bindings(const attest::Evidence& evidence, const Subject& subject, Verdict& verdict);
void check_image(const ImageExpectation& image, const Subject& subject, Verdict& verdict);

/// A proven identity, into the subject and the verdict's facts.
void set_app(const attest::Identity& identity,
             const attest::Attestation& attestation,
             Verdict& verdict,
             Subject& subject);

Check make_check(std::string_view id, std::string_view title, bool good, std::string_view source);

} // namespace dstack::verify
