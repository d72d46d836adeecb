#include "cli/verify/runner.hpp"

#include "cli/verify/image.hpp"
#include "fetch/address_evidence.hpp"
#include "report/json.hpp"

namespace dstack::cli {

Worker::Worker(const Session& session, const Context& ctx)
    : session_(session), ctx_(ctx), verifier_(session.root)
{
  if (session.simulated_root) simulated_.emplace(*session.simulated_root);
}

Judged Worker::failed(const std::string& name, const Error& error) const
{
  Judged out;
  verify::Verdict& verdict = out.proven.verdict;
  verdict.input = name;
  verdict.policy = session_.question.policy.name;
  verdict.at = session_.question.at;
  end_with(verdict, error);
  return out;
}

Judged Worker::judge(const Input& input, Keep keep)
{
  if (input.kind == Input::Kind::address) {
    const auto found = fetch::address_evidence(input.name, session_.timeout);
    // Whatever kept the address from answering says nothing about the evidence behind it.
    if (!found) return failed(input.name, Error{Errc::io, found.error().message()});
    return judge_bytes(input.name, *found, keep);
  }
  const auto file = read_input(input);
  if (!file) return failed(input.name, file.error());
  return judge_bytes(input.name, *file, keep);
}

Judged Worker::judge_bytes(const std::string& name, ByteView file, Keep keep)
{
  const bool bundle = verify::looks_like_bundle(file);
  if (bundle && keep == Keep::bundle)
    return failed(name, Error{Errc::unsupported, "this is a bundle already"});
  if (bundle) return judge_bundle(name, as_text(file));
  const auto evidence = attest::recognise(file);
  // A certificate without attestation can be read, but it is no evidence.
  if (!evidence && evidence.error().code() == Errc::not_found)
    return failed(name, Error{Errc::unsupported, evidence.error().message()});
  if (!evidence) return failed(name, evidence.error());
  Judged out = judge_with(name, *evidence, question_now(), {}, keep);
  if (out.bundle) out.bundle->evidence = to_bytes(file);
  return out;
}

Judged Worker::judge_evidence(const std::string& name, const attest::Evidence& evidence)
{
  return judge_with(name, evidence, question_now(), {}, Keep::verdict);
}

verify::Question Worker::question_now() const
{
  verify::Question out = session_.question;
  if (session_.at_is_now) out.at = ctx_.now();
  return out;
}

std::optional<Error> Worker::complete(const attest::Evidence& evidence,
                                      const verify::Question& question,
                                      bool simulated,
                                      Brought& brought) const
{
  const attest::Attestation& a = evidence.attestation;
  if (a.platform == attest::Platform::amd_sev_snp) {
    const auto report = snp::parse_report(a.quote);
    if (brought.certificates || !report) return {};
    auto found = session_.shelf->certificates_for(*report, question.at);
    // Without them revocation is not judged; whether that will do is the policy's to say.
    if (!found) return found.error();
    brought.certificates = *std::move(found);
    return {};
  }
  const auto quote = dcap::parse_quote(a.quote);
  // A simulated quote that will be refused anyway needs nothing.
  if (brought.collateral || !quote || (simulated && !question.policy.allow_simulated)) return {};
  auto found = session_.shelf->collateral_for(*quote, simulated, question.at);
  if (!found) return found.error();
  brought.collateral = *std::move(found);
  return {};
}

Result<verify::ImageExpectation> Worker::image_for(const attest::Evidence& evidence, bool simulated)
{
  constexpr std::size_t max_shapes = 64;
  const DescribedVm vm = TRY(described_vm(evidence, simulated).within("evidence"));
  const std::string key = key_of(vm);
  if (const auto known = images_.find(key); known != images_.end()) return known->second;
  auto image = TRY(expected_image(session_.image, ctx_, vm));
  if (images_.size() >= max_shapes) images_.clear();
  images_.emplace(key, image);
  return image;
}

Judged Worker::judge_with(const std::string& name,
                          const attest::Evidence& evidence,
                          verify::Question question,
                          Brought brought,
                          Keep keep)
{
  const bool simulated = verify::claims_simulated(evidence);
  verify::Materials materials;
  materials.missing = complete(evidence, question, simulated, brought);
  materials.verifier = simulated && simulated_ ? &*simulated_ : &verifier_;
  materials.collateral = brought.collateral.get();
  if (brought.certificates) materials.amd_certificates = &*brought.certificates;
  if (!question.image && !session_.image.empty()) {
    const auto image = image_for(evidence, simulated);
    if (!image) return failed(name, image.error());
    question.image = *image;
  }
  Judged out;
  out.proven = verify::prove(evidence, materials, question);
  out.proven.verdict.input = name;
  if (keep == Keep::verdict) return out;
  verify::Bundle& bundle = out.bundle.emplace();
  bundle.input = name;
  if (brought.collateral) bundle.collateral = brought.collateral->set();
  bundle.amd_certificates = std::move(brought.certificates);
  bundle.policy = std::move(question.policy);
  bundle.expectations = std::move(question.expectations);
  bundle.image = std::move(question.image);
  bundle.at = question.at;
  return out;
}

Judged Worker::judge_bundle(const std::string& name, std::string_view text)
{
  auto bundle = verify::bundle_from_text(text);
  if (!bundle) return failed(name, bundle.error());
  const auto evidence = attest::recognise(bundle->evidence);
  if (!evidence) return failed(name, evidence.error());
  verify::Question question = session_.question;
  if (!session_.policy_given) {
    // The bundle's own policy, except where it would accept what only the reader can.
    const bool simulated = question.policy.allow_simulated;
    question.policy = bundle->policy;
    question.policy.name += " (of the bundle)";
    question.policy.allow_simulated = simulated;
  }
  const auto keep = [](auto& own, auto& from_bundle) {
    if (!own) own = std::move(from_bundle);
  };
  keep(question.expectations.report_data, bundle->expectations.report_data);
  keep(question.expectations.compose_hash, bundle->expectations.compose_hash);
  keep(question.expectations.app_id, bundle->expectations.app_id);
  keep(question.expectations.os_image_hash, bundle->expectations.os_image_hash);
  if (session_.image.empty()) question.image = bundle->image;
  Brought brought;
  if (bundle->collateral)
    brought.collateral =
        std::make_shared<const dcap::HashedCollateral>(*std::move(bundle->collateral));
  brought.certificates = std::move(bundle->amd_certificates);
  Judged out = judge_with(name, *evidence, std::move(question), std::move(brought), Keep::verdict);
  verify::Verdict& verdict = out.proven.verdict;
  verdict.evidence += " in a verification bundle";
  if (verdict.answer != verify::Answer::trusted && !session_.at_given)
    verdict.reason +=
        fmt::format("; the bundle was made at {} (--at judges as of then)", format_utc(bundle->at));
  return out;
}

Exit exit_of(const std::vector<verify::Verdict>& verdicts)
{
  const report::Summary summary = report::summarise(verdicts);
  if (summary.refused > 0) return Exit::refused;
  if (summary.malformed > 0) return Exit::malformed;
  return summary.unchecked > 0 ? Exit::failed : Exit::ok;
}

} // namespace dstack::cli
