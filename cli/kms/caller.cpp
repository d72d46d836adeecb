#include "cli/kms/caller.hpp"

#include "cli/collateral.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t max_boot_info = std::size_t{1} << 20U;

Result<kms::BootInfo> from_file(const std::string& file)
{
  const std::string text = TRY(sys::read_text(file, max_boot_info));
  codec::Json json = TRY(codec::parse_json(text).within("{}", file));
  // A whole line of an audit log is as good.
  if (const codec::Json* caller = json.find("caller")) {
    codec::Json inner = *caller;
    json = std::move(inner);
  }
  return kms::boot_info_from_json(json).within("{}", file);
}

Errc code_of(verify::Answer answer)
{
  switch (answer) {
  case verify::Answer::refused:
    return Errc::untrusted;
  case verify::Answer::malformed:
    return Errc::malformed;
  case verify::Answer::trusted:
  case verify::Answer::unchecked:
    return Errc::io;
  }
  return Errc::io;
}

Result<kms::BootInfo> from_evidence(const CallerOptions& o, const kms::Policy& policy, Context& ctx)
{
  const auto inputs = TRY(expand_inputs({o.attestation}));
  if (inputs.size() != 1) return fail(Errc::usage, "--attestation takes one file, or '-'");
  verify::Question question;
  question.policy = kms::evidence_policy(policy);
  question.policy.allow_simulated = true;
  question.at = TRY(point_in_time(o.at, ctx));
  const Session session = TRY(open_session(o.trust, std::move(question), ctx));
  const Judged judged = Worker{session, ctx}.judge(inputs[0], Keep::verdict);
  const verify::Verdict& verdict = judged.verdict();
  if (verdict.answer != verify::Answer::trusted)
    return fail(code_of(verdict.answer), "{}: {}", o.attestation, verdict.reason);
  return kms::boot_info_of_proven(judged.proven, "", kms::Replay::whole)
      .within("{}", o.attestation);
}

} // namespace

void add_caller_options(Leaf& leaf, CallerOptions& o)
{
  leaf.file("--attestation", o.attestation, "Evidence of the caller: what 'dstack verify' takes")
      .group("Who asks");
  leaf.file("--boot-info", o.boot_info,
            "BootInfo of the caller as JSON, or a line of an audit log; nothing is verified")
      .group("Who asks");
  leaf.option("--at", o.at, "TIME", "Judge as of this time (UTC or Unix seconds); default is now");
  add_trust_options(leaf, o.trust);
}

Result<kms::BootInfo> read_caller(const CallerOptions& o, const kms::Policy& policy, Context& ctx)
{
  if (o.boot_info.empty() == o.attestation.empty())
    return fail(Errc::usage, "who asks? give one of --attestation and --boot-info");
  return o.boot_info.empty() ? from_evidence(o, policy, ctx) : from_file(o.boot_info);
}

std::vector<std::pair<std::string, std::string>> caller_facts(const kms::BootInfo& info)
{
  std::vector<std::pair<std::string, std::string>> out;
  const auto add = [&](std::string_view name, std::string value) {
    if (!value.empty()) out.emplace_back(name, printable(value));
  };
  add("TEE", info.tee_variant + (info.simulated ? " (SIMULATED)" : ""));
  add("app id", hex(info.app_id));
  add("compose hash", hex(info.compose_hash));
  add("instance id", hex(info.instance_id));
  add("OS image hash", hex(info.os_image_hash));
  add("aggregated MR", hex(info.mr_aggregated));
  add("device id", hex(info.device_id));
  add("TCB status", info.tcb_status);
  add("advisories", join(info.advisory_ids, ", "));
  add("key provider", to_text(info.key_provider_info));
  return out;
}

} // namespace dstack::cli
