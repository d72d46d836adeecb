#include "verify/app.hpp"

#include <algorithm>

namespace dstack::verify {

namespace {

using attest::Identity;

void add_app_facts(const AppIdentity& app, Verdict& verdict)
{
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) verdict.facts.push_back({std::string{name}, value});
  };
  add("app id", app.app_id);
  add("compose hash", app.compose_hash);
  add("instance id", app.instance_id);
  add("OS image hash", app.os_image_hash);
  add("key provider", app.key_provider_name);
  add("key provider id", app.key_provider_id);
}

/// The event's word where a KMS gave one, else what vm_config claims.
std::string image_hash_of(const Identity& identity, const attest::Attestation& attestation)
{
  if (!identity.os_image_hash.empty()) return hex(identity.os_image_hash);
  return claimed_image(attestation);
}

void check_config_id(const Identity& identity,
                     const attest::Attestation& attestation,
                     const dcap::Quote& quote,
                     Verdict& verdict)
{
  const auto document = attest::mr_config_of(attestation);
  const auto match =
      attest::match_config_id(quote.td.mr_config_id, identity, document ? *document : "");
  if (match == attest::ConfigIdMatch::unset) return;
  Check check = make_check("app.config-id", "MRCONFIGID is that of the app",
                           match == attest::ConfigIdMatch::matches, "event log");
  check.seen = hex(quote.td.mr_config_id);
  if (match == attest::ConfigIdMatch::unreadable) {
    check.outcome = Outcome::not_run;
    check.seen += " (its document did not come along)";
  }
  verdict.checks.push_back(std::move(check));
}

/// RTMR0 to RTMR2: a full log explains them; the stripped one of a certificate does not, and then
/// only the image's prediction can.
void note_boot_registers(const std::vector<attest::TdxEvent>& log,
                         const dcap::Quote& quote,
                         Verdict& verdict)
{
  for (std::uint32_t i = 0; i < attest::runtime_register; ++i) {
    const bool any = std::any_of(log.begin(), log.end(),
                                 [&](const attest::TdxEvent& event) { return event.imr == i; });
    if (!any) continue;
    const auto replayed = attest::replay(log, i);
    Check check;
    check.id = fmt::format("log.rtmr{}", i);
    check.title = fmt::format("the event log explains RTMR{}", i);
    check.source = "event log";
    check.expected = hex(quote.td.rtmr.at(i));
    check.seen = replayed ? hex(*replayed) : replayed.error().message();
    check.outcome = replayed && *replayed == quote.td.rtmr.at(i) ? Outcome::passed : Outcome::noted;
    verdict.checks.push_back(std::move(check));
  }
}

/// An attestation names its runtime events beside the log; they must be the same.
bool check_runtime_events(const attest::Attestation& a,
                          const std::vector<attest::RuntimeEvent>& logged,
                          Verdict& verdict)
{
  if (a.runtime_events.empty()) return true;
  const bool same = logged.size() == a.runtime_events.size() &&
                    std::equal(logged.begin(), logged.end(), a.runtime_events.begin(),
                               [](const attest::RuntimeEvent& x, const attest::RuntimeEvent& y) {
                                 return x.name == y.name && x.payload == y.payload;
                               });
  verdict.checks.push_back(make_check("log.runtime-events",
                                      "the attestation's runtime events are those of its log", same,
                                      "event log"));
  return same;
}

bool check_rtmr3(const std::vector<attest::TdxEvent>& log,
                 const dcap::Quote& quote,
                 Verdict& verdict)
{
  const auto replayed = attest::replay(log, attest::runtime_register);
  const auto& want = quote.td.rtmr.at(attest::runtime_register);
  Check check = make_check("log.rtmr3", "the event log explains RTMR3",
                           replayed && *replayed == want, "event log");
  check.expected = hex(want);
  check.seen = replayed ? hex(*replayed) : replayed.error().message();
  const bool good = check.outcome == Outcome::passed;
  verdict.checks.push_back(std::move(check));
  return good;
}

} // namespace

Check make_check(std::string_view id, std::string_view title, bool good, std::string_view source)
{
  Check out;
  out.id = id;
  out.title = title;
  out.outcome = good ? Outcome::passed : Outcome::failed;
  out.source = source;
  return out;
}

void set_app(const attest::Identity& identity,
             const attest::Attestation& attestation,
             Verdict& verdict,
             Subject& subject)
{
  subject.app = AppIdentity{hex(identity.app_id),       hex(identity.compose_hash),
                            hex(identity.instance_id),  image_hash_of(identity, attestation),
                            identity.key_provider_name, identity.key_provider_id};
  add_app_facts(*subject.app, verdict);
}

bool check_event_log(const attest::Evidence& evidence, const dcap::Quote& quote, Proven& out)
{
  const attest::Attestation& a = evidence.attestation;
  Verdict& verdict = out.verdict;
  if (!check_rtmr3(a.event_log, quote, verdict)) return false;
  auto events = attest::runtime_events_of(a.event_log);
  if (!check_runtime_events(a, events, verdict)) return false;
  note_boot_registers(a.event_log, quote, verdict);
  if (events.empty()) return true; // not a dstack app: nothing claimed, nothing known
  auto identity = attest::identity_of(events);
  Check check =
      make_check("app.identity", "the event log names one app", bool(identity), "event log");
  if (!identity) check.seen = identity.error().message();
  verdict.checks.push_back(std::move(check));
  if (!identity) return false;
  check_config_id(*identity, a, quote, verdict);
  set_app(*identity, a, verdict, out.subject);
  out.events = std::move(events);
  out.identity = *std::move(identity);
  return true;
}

void check_bindings(const attest::Evidence& evidence, const Subject& subject, Verdict& verdict)
{
  const attest::Attestation& a = evidence.attestation;
  const bool stated = evidence.form.starts_with("attestation") || evidence.certificate;
  if (stated) {
    Check check =
        make_check("attestation.report-data", "the attestation states the report data of its quote",
                   a.report_data == subject.report_data, "attestation");
    check.expected = hex(subject.report_data);
    check.seen = hex(a.report_data);
    verdict.checks.push_back(std::move(check));
  }
  if (!evidence.certificate) return;
  const auto want = attest::ratls_report_data(evidence.certificate->spki);
  Check check = make_check("certificate.key", "the quote vouches for the certificate's key",
                           want == subject.report_data, "RA-TLS certificate");
  check.expected = hex(want);
  check.seen = hex(subject.report_data);
  verdict.checks.push_back(std::move(check));
  const std::int64_t at = verdict.at.seconds();
  const auto& certificate = *evidence.certificate;
  Check dates =
      make_check("certificate.validity", "the certificate is valid at the time of judgement",
                 certificate.not_before <= at && at <= certificate.not_after, "RA-TLS certificate");
  dates.seen = fmt::format("{} to {}", format_utc({certificate.not_before * 1000}),
                           format_utc({certificate.not_after * 1000}));
  verdict.checks.push_back(std::move(dates));
}

void check_image(const ImageExpectation& image, const Subject& subject, Verdict& verdict)
{
  Check claimed =
      make_check("image.hash", "the evidence names this OS image",
                 subject.app && subject.app->os_image_hash == image.os_image_hash, image.source);
  claimed.expected = image.os_image_hash;
  claimed.seen = subject.app ? subject.app->os_image_hash : "not in the evidence";
  verdict.checks.push_back(std::move(claimed));
  for (const auto& [name, values] : image.registers) {
    const std::string* seen = subject.find_register(name);
    const bool good =
        seen != nullptr && std::find(values.begin(), values.end(), *seen) != values.end();
    Check check = make_check(fmt::format("image.{}", name),
                             fmt::format("{} is what this image gives", name), good, image.source);
    check.expected = join(values, " or ");
    check.seen = seen != nullptr ? *seen : "not in the evidence";
    verdict.checks.push_back(std::move(check));
  }
  for (const std::string& name : image.not_predicted) {
    Check check = make_check(fmt::format("image.{}", name),
                             fmt::format("{} is what this image gives", name), true, image.source);
    check.outcome = Outcome::noted;
    check.seen = image.why_not.empty() ? "not predicted from a hash alone"
                                       : fmt::format("not predicted: {}", image.why_not);
    verdict.checks.push_back(std::move(check));
  }
}

} // namespace dstack::verify
