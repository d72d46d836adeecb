#include "snp/verify.hpp"

#include "base/text.hpp"
#include "snp/vcek_info.hpp"
#include "x509/pss_certificate.hpp"

#include <algorithm>

namespace dstack::snp {

namespace {

using x509::PssCertificate;
using x509::PssRevocationList;

/// What a stage compared; also when it held.
struct Compared {
  std::string expected{};
  std::string seen{};
};

std::string day_of(std::int64_t seconds)
{
  return format_utc({seconds * 1000}).substr(0, 10);
}

std::string_view name_of(SigningKey key)
{
  switch (key) {
  case SigningKey::vcek:
    return "VCEK";
  case SigningKey::vlek:
    return "VLEK";
  case SigningKey::none:
    return "none";
  }
  return "unknown";
}

/// One verification: the stages in their order, each with what earlier ones found.
class Run {
public:
  Run(ByteView raw, const Certificates& given, const std::vector<Anchor>& anchors, std::int64_t at)
      : raw_(raw), given_(given), anchors_(anchors), at_(at)
  {
  }

  Verification run() &&;

private:
  using Step = Result<Compared> (Run::*)();
  struct Plan {
    std::string_view id;
    std::string_view title;
    std::string_view source;
    Step step;
  };
  static const std::array<Plan, 13> plan;

  Result<Compared> format();
  Result<Compared> signing_key();
  Result<Compared> certificates();
  Result<Compared> root();
  Result<Compared> ask();
  Result<Compared> vcek();
  Result<Compared> validity();
  Result<Compared> revocation();
  Result<Compared> processor();
  Result<Compared> chip();
  Result<Compared> tcb();
  Result<Compared> signature();
  Result<Compared> vmpl();

  /// For a comparison that does not hold: the stage shows both sides.
  Error mismatch(std::string_view what, std::string expected, std::string seen)
  {
    compared_ = {std::move(expected), std::move(seen)};
    return fail(Errc::untrusted, "{} (seen {}, want {})", what, compared_.seen, compared_.expected);
  }

  Result<PssCertificate> parse(ByteView der, std::string_view what)
  {
    if (der.empty()) return fail(Errc::not_found, "there is no {} certificate", what);
    ++out_.counts.certificates;
    return PssCertificate::parse(der).within("{}", what);
  }

  Status within_window(std::string_view what, std::int64_t from, std::int64_t to);
  void fill_facts();

  ByteView raw_;
  const Certificates& given_;
  const std::vector<Anchor>& anchors_;
  std::int64_t at_;

  Verification out_{};
  Compared compared_{};
  bool skipped_ = false;
  SnpFacts facts_{};
  std::optional<PssCertificate> ark_{};
  std::optional<PssCertificate> ask_{};
  std::optional<PssCertificate> vcek_{};
  std::optional<PssRevocationList> crl_{};
  VcekInfo info_{};
};

constexpr std::string_view from_report = "the report";
constexpr std::string_view from_vcek = "VCEK certificate";

const std::array<Run::Plan, 13> Run::plan{{
    {"snp.format", "the report is well-formed", "AMD SEV-SNP ABI", &Run::format},
    {"snp.signing-key", "the report is signed with the chip's own key", from_report,
     &Run::signing_key},
    {"snp.certificates", "the certificates are well-formed", "AMD VCEK specification",
     &Run::certificates},
    {"snp.root", "the chain ends in AMD's root key", "pinned ARK", &Run::root},
    {"snp.ask", "AMD's signing key is certified by the root", "ARK", &Run::ask},
    {"snp.vcek", "the chip's key is certified by AMD's signing key", "ASK", &Run::vcek},
    {"snp.validity", "every certificate is valid at this time", "certificates", &Run::validity},
    {"snp.revocation", "AMD's signing key is not revoked", "AMD CRL", &Run::revocation},
    {"snp.product", "the certificates are for the report's processor", from_vcek, &Run::processor},
    {"snp.chip-id", "the chip's certificate is for the chip of the report", from_vcek, &Run::chip},
    {"snp.tcb", "the chip's certificate is for the reported TCB", from_vcek, &Run::tcb},
    {"snp.signature", "the report is signed with the certified key", from_vcek, &Run::signature},
    {"snp.vmpl", "the report was asked for at VMPL 0", from_report, &Run::vmpl},
}};

Verification Run::run() &&
{
  for (const Plan& one : plan) {
    Stage stage{one.id, one.title, one.source, StageOutcome::not_run, "", ""};
    if (!out_.error) {
      compared_ = {};
      skipped_ = false;
      auto found = (this->*one.step)();
      if (found) compared_ = std::move(*found);
      stage.outcome = !found     ? StageOutcome::failed
                      : skipped_ ? StageOutcome::not_run
                                 : StageOutcome::passed;
      stage.expected = compared_.expected;
      stage.seen = compared_.seen;
      if (!found && stage.seen.empty()) stage.seen = found.error().message();
      if (!found) out_.error = std::move(found).error();
    }
    out_.stages.push_back(std::move(stage));
  }
  if (!out_.error) fill_facts();
  return std::move(out_);
}

Result<Compared> Run::format()
{
  facts_.report = TRY(parse_report(raw_));
  return Compared{"", fmt::format("version {}", facts_.report.version)};
}

Result<Compared> Run::signing_key()
{
  ++out_.counts.comparisons;
  const SigningKey key = facts_.report.signing_key();
  const Compared both{"VCEK", std::string{name_of(key)}};
  if (key == SigningKey::vcek) return both;
  compared_ = both;
  if (key == SigningKey::vlek)
    return fail(Errc::unsupported, "the report is signed with a cloud's key (VLEK), not a chip's");
  return fail(Errc::untrusted, "the report is not signed");
}

Result<Compared> Run::certificates()
{
  ask_ = TRY(parse(given_.ask, "ASK"));
  vcek_ = TRY(parse(given_.vcek, "VCEK"));
  if (!given_.crl.empty()) {
    ++out_.counts.certificates;
    crl_ = TRY(PssRevocationList::parse(given_.crl));
  }
  return Compared{};
}

Result<Compared> Run::root()
{
  for (const Anchor& anchor : anchors_) {
    PssCertificate one = TRY(parse(anchor.certificate, "pinned ARK"));
    if (one.common_name() != ask_->issuer_name()) continue;
    facts_.product = anchor.product;
    ark_ = std::move(one);
  }
  if (!ark_)
    return mismatch("the root is not AMD's", "a root key of AMD",
                    fmt::format("'{}'", ask_->issuer_name()));
  if (!given_.ark.empty()) {
    const PssCertificate given = TRY(parse(given_.ark, "ARK"));
    ++out_.counts.comparisons;
    if (!ark_->same_key(given))
      return mismatch("the root is not AMD's", "the pinned key of " + ark_->common_name(),
                      "another key");
  }
  return Compared{"", ark_->common_name()};
}

Result<Compared> Run::ask()
{
  ++out_.counts.signatures;
  TRY(ask_->check_issued_by(*ark_));
  return Compared{"", ask_->common_name()};
}

Result<Compared> Run::vcek()
{
  ++out_.counts.signatures;
  TRY(vcek_->check_issued_by(*ask_));
  if (vcek_->common_name() != "SEV-VCEK")
    return mismatch("the certificate is no VCEK", "SEV-VCEK", vcek_->common_name());
  if (vcek_->is_ca()) return fail(Errc::untrusted, "the VCEK certificate is one of an authority");
  if (!vcek_->has_p384_key()) return fail(Errc::untrusted, "the VCEK is no P-384 key");
  return Compared{"", vcek_->common_name()};
}

Status Run::within_window(std::string_view what, std::int64_t from, std::int64_t to)
{
  ++out_.counts.windows;
  facts_.valid_from = std::max(facts_.valid_from, from);
  facts_.valid_until = facts_.valid_until == 0 ? to : std::min(facts_.valid_until, to);
  if (from <= at_ && at_ <= to) return ok();
  return mismatch(fmt::format("{} is not valid", what),
                  fmt::format("{} to {}", day_of(from), day_of(to)), day_of(at_));
}

Result<Compared> Run::validity()
{
  for (const auto& [what, certificate] :
       {std::pair{"ARK", &*ark_}, std::pair{"ASK", &*ask_}, std::pair{"VCEK", &*vcek_}})
    TRY(within_window(what, certificate->not_before(), certificate->not_after()));
  return Compared{fmt::format("{} to {}", day_of(facts_.valid_from), day_of(facts_.valid_until)),
                  day_of(at_)};
}

Result<Compared> Run::revocation()
{
  if (!crl_) {
    skipped_ = true;
    return Compared{"", "no revocation list was given"};
  }
  ++out_.counts.signatures;
  TRY(crl_->check_issued_by(*ark_));
  TRY(within_window("the revocation list", crl_->this_update(), crl_->next_update()));
  ++out_.counts.comparisons;
  if (crl_->lists(*ask_)) return mismatch("AMD revoked its signing key", "not listed", "listed");
  facts_.revocation_checked = true;
  return Compared{"not listed", "not listed"};
}

Result<Compared> Run::processor()
{
  info_ = TRY(vcek_info(given_.vcek, facts_.product).within("VCEK"));
  const std::string wanted{snp::name_of(facts_.product)};
  ++out_.counts.comparisons;
  if (info_.product_name != wanted && !info_.product_name.starts_with(wanted + "-"))
    return mismatch("the VCEK is for another product", wanted, info_.product_name);
  const Report& report = facts_.report;
  if (!report.names_processor()) return Compared{wanted, info_.product_name};
  ++out_.counts.comparisons;
  const auto product = report.product();
  if (product != facts_.product)
    return mismatch("the report is of another processor", wanted,
                    product ? std::string{snp::name_of(*product)}
                            : fmt::format("CPUID family {:#x} model {:#x}", report.cpuid_family,
                                          report.cpuid_model));
  return Compared{wanted, info_.product_name};
}

Result<Compared> Run::chip()
{
  if (facts_.report.hides_chip_id()) {
    skipped_ = true;
    return Compared{hex(info_.hwid), "the platform hides it"};
  }
  ++out_.counts.comparisons;
  Bytes padded = info_.hwid; // Turin's eight bytes are followed by zeros in the report
  padded.resize(facts_.report.chip_id.size());
  const Compared both{hex(padded), hex(facts_.report.chip_id)};
  if (both.expected != both.seen)
    return mismatch("the VCEK is another chip's", both.expected, both.seen);
  return both;
}

Result<Compared> Run::tcb()
{
  ++out_.counts.comparisons;
  facts_.tcb = tcb_of(facts_.report.reported_tcb, facts_.product);
  const Compared both{to_text(info_.tcb), to_text(facts_.tcb)};
  if (info_.tcb != facts_.tcb)
    return mismatch("the VCEK is for another TCB", both.expected, both.seen);
  return both;
}

Result<Compared> Run::signature()
{
  ++out_.counts.signatures;
  const Report& report = facts_.report;
  if (!vcek_->verifies_p384(raw_.first(signed_size), report.r_le, report.s_le))
    return fail(Errc::untrusted, "the report's signature is wrong");
  return Compared{};
}

Result<Compared> Run::vmpl()
{
  ++out_.counts.comparisons;
  const Compared both{"0", fmt::format("{}", facts_.report.vmpl)};
  if (facts_.report.vmpl != 0)
    return mismatch("the report was asked for at another VMPL", both.expected, both.seen);
  return both;
}

void Run::fill_facts()
{
  facts_.product_name = info_.product_name;
  facts_.tcb_status = facts_.report.tcb_status();
  facts_.hwid = info_.hwid;
  facts_.flags = attribute_flags(facts_.report);
  facts_.chain = {
      {ark_->common_name(), "pinned"},
      {ask_->common_name(), facts_.revocation_checked ? "not revoked" : ""},
      {vcek_->common_name(), fmt::format("{}, {}", facts_.product_name, to_text(facts_.tcb))},
      {fmt::format("SEV-SNP report v{}", facts_.report.version), facts_.tcb_status}};
  out_.facts = std::move(facts_);
}

} // namespace

Result<Certificates> sort_certificates(const std::vector<Bytes>& ders)
{
  constexpr std::size_t most = 4;
  if (ders.size() > most)
    return fail(Errc::malformed, "{} certificates (limit {})", ders.size(), most);
  Certificates out;
  for (const Bytes& der : ders) {
    const std::string name = TRY(PssCertificate::parse(der)).common_name();
    if (name.starts_with("SEV-VLEK"))
      return fail(Errc::unsupported, "'{}': a cloud's key (VLEK) is not supported", name);
    Bytes* place = nullptr;
    if (name == "SEV-VCEK")
      place = &out.vcek;
    else if (name.starts_with("SEV-"))
      place = &out.ask;
    else if (name.starts_with("ARK-"))
      place = &out.ark;
    if (place == nullptr) return fail(Errc::malformed, "'{}' is no certificate of AMD's", name);
    if (!place->empty()) return fail(Errc::malformed, "two certificates of '{}'", name);
    *place = der;
  }
  return out;
}

Verification verify(ByteView report,
                    const Certificates& certificates,
                    const std::vector<Anchor>& anchors,
                    std::int64_t at)
{
  return Run{report, certificates, anchors, at}.run();
}

} // namespace dstack::snp
