#include "verify/intel.hpp"

#include <algorithm>

namespace dstack::verify {

namespace {

Answer answer_for(Errc code)
{
  switch (code) {
  case Errc::malformed:
  case Errc::unsupported:
    return Answer::malformed;
  case Errc::untrusted:
  case Errc::denied:
    return Answer::refused;
  default:
    return Answer::unchecked;
  }
}

/// Every stage up to the one reached passed; that one failed, or passed too; the rest did not run.
void note_stages(const dcap::Verification& found, Verdict& verdict)
{
  for (std::size_t i = 0; i < dcap::stage_count; ++i) {
    const auto stage = static_cast<dcap::Stage>(i);
    Check check{std::string{dcap::id_of(stage)},
                std::string{dcap::title_of(stage)},
                Outcome::passed,
                "",
                "",
                std::string{dcap::source_of(stage)}};
    const auto reached = static_cast<std::size_t>(found.reached);
    if (!found.report && i == reached) {
      check.outcome = Outcome::failed;
      check.seen = found.error->message();
    }
    if (!found.report && i > reached) check.outcome = Outcome::not_run;
    verdict.checks.push_back(std::move(check));
  }
}

std::string day_of(std::int64_t seconds)
{
  return format_utc({seconds * 1000}).substr(0, 10);
}

std::string part_text(const dcap::PartStatus& part)
{
  std::string out{dcap::name_of(part.status)};
  if (part.date != 0) out += fmt::format(", level of {}", day_of(part.date));
  return out;
}

void note_chain(const dcap::Verifier& verifier, const dcap::DcapReport& report, Verdict& verdict)
{
  const std::string vendor{verifier.anchor().vendor()};
  verdict.chain = {
      {fmt::format("{} SGX Root CA", vendor), "pinned"},
      {fmt::format("{} SGX PCK {} CA", vendor, report.platform_ca ? "Platform" : "Processor"), ""},
      {fmt::format("{} SGX PCK Certificate", vendor),
       fmt::format("FMSPC {}", hex(report.pck.fmspc))},
      {report.quote.tee == dcap::TeeType::tdx ? "TD quoting enclave" : "quoting enclave",
       part_text(report.tcb.qe)},
  };
  if (report.quote.tee == dcap::TeeType::tdx)
    verdict.chain.push_back({"TDX module", part_text(report.tcb.module)});
  verdict.chain.push_back({fmt::format("{} in a quote v{}", dcap::name_of(report.quote.body_type),
                                       report.quote.version),
                           part_text(report.tcb.platform)});
}

/// When the earliest of the out-of-date parts was superseded.
std::int64_t out_of_date_since(const dcap::TcbResult& tcb)
{
  std::int64_t out = 0;
  for (const dcap::PartStatus* part : {&tcb.platform, &tcb.module, &tcb.qe}) {
    const bool old = dcap::name_of(part->status).starts_with("OutOfDate");
    if (old && part->superseded != 0 && (out == 0 || part->superseded < out))
      out = part->superseded;
  }
  return out;
}

std::int64_t oldest_issue(const dcap::DcapReport& report)
{
  std::int64_t out = 0;
  for (const dcap::Window& window : report.windows)
    if ((window.what == "TCB info" || window.what == "QE identity") &&
        (out == 0 || window.from < out))
      out = window.from;
  return out;
}

void add_registers(const dcap::Quote& quote, Subject& subject)
{
  const auto add = [&](std::string_view name, ByteView value) {
    subject.registers.emplace_back(name, hex(value));
  };
  if (quote.tee == dcap::TeeType::sgx) {
    add("mrenclave", quote.enclave.mr_enclave);
    add("mrsigner", quote.enclave.mr_signer);
    return;
  }
  add("mrtd", quote.td.mrtd);
  for (std::size_t i = 0; i < quote.td.rtmr.size(); ++i)
    add(fmt::format("rtmr{}", i), quote.td.rtmr.at(i));
  add("mrseam", quote.td.mr_seam);
}

void fill(const dcap::DcapReport& report, Subject& subject)
{
  subject.tcb_status = dcap::name_of(report.tcb.status);
  subject.advisory_ids = report.advisory_ids;
  subject.attribute_flags = dcap::attribute_flags(report.quote);
  subject.evaluation_number = report.evaluation_number;
  subject.oldest_issue = oldest_issue(report);
  subject.out_of_date_since = out_of_date_since(report.tcb);
  subject.report_data = report.quote.report_data();
  subject.platform_id = to_bytes(report.pck.ppid);
  add_registers(report.quote, subject);
}

std::string_view chain_of(const dcap::Quote& quote)
{
  constexpr std::uint16_t pck_chain = 5;
  return quote.certification_type == pck_chain ? as_text(quote.certification_data)
                                               : std::string_view{};
}

} // namespace

void end_with(Verdict& verdict, const Error& error)
{
  verdict.answer = answer_for(error.code());
  verdict.reason = error.message();
}

bool check_quote(dcap::Verifier& verifier,
                 ByteView quote,
                 const dcap::HashedCollateral& collateral,
                 Time at,
                 Verdict& verdict,
                 Subject& subject)
{
  const dcap::Verification found = verifier.verify(quote, collateral, at.seconds());
  note_stages(found, verdict);
  verdict.counts = found.counts;
  subject.simulated = verifier.anchor().vendor() == dcap::simulated_vendor;
  verdict.simulated = subject.simulated;
  if (!found.report) {
    end_with(verdict, *found.error);
    return false;
  }
  const dcap::DcapReport& report = *found.report;
  fill(report, subject);
  note_chain(verifier, report, verdict);
  verdict.tcb_status = subject.tcb_status;
  verdict.advisory_ids = report.advisory_ids;
  verdict.valid_from = report.latest_start;
  verdict.valid_until = report.earliest_expiration;
  verdict.facts.push_back({"FMSPC", hex(report.pck.fmspc)});
  verdict.facts.push_back({"TCB date", day_of(report.tcb_date)});
  verdict.facts.push_back({"TCB evaluation number", fmt::format("{}", report.evaluation_number)});
  return true;
}

std::vector<Fact> facts_of(const dcap::Quote& quote)
{
  std::vector<Fact> out;
  const auto add = [&](std::string_view name, ByteView value) {
    out.push_back({std::string{name}, hex(value)});
  };
  if (quote.tee == dcap::TeeType::sgx) {
    const dcap::EnclaveReport& r = quote.enclave;
    add("MRENCLAVE", r.mr_enclave);
    add("MRSIGNER", r.mr_signer);
    out.push_back({"ISVPRODID", fmt::format("{}", r.isv_prod_id)});
    out.push_back({"ISVSVN", fmt::format("{}", r.isv_svn)});
    add("attributes", r.attributes);
    add("CPUSVN", r.cpu_svn);
  } else {
    const dcap::TdReport& r = quote.td;
    add("MRTD", r.mrtd);
    for (std::size_t i = 0; i < r.rtmr.size(); ++i)
      add(fmt::format("RTMR{}", i), r.rtmr.at(i));
    add("MRCONFIGID", r.mr_config_id);
    add("MROWNER", r.mr_owner);
    add("MROWNERCONFIG", r.mr_owner_config);
    add("MRSEAM", r.mr_seam);
    add("TD attributes", r.td_attributes);
    add("XFAM", r.xfam);
    add("TEE TCB SVN", r.tee_tcb_svn);
    if (quote.has_td15()) {
      add("TEE TCB SVN 2", r.td15.tee_tcb_svn_2);
      add("MRSERVICETD", r.td15.mr_service_td);
    }
  }
  add("report data", quote.report_data());
  return out;
}

std::string claimed_root(const dcap::Quote& quote)
{
  const std::string_view pem = chain_of(quote);
  return pem.empty() ? "" : dcap::root_name_of(pem);
}

bool claims_simulated(const dcap::Quote& quote)
{
  return claimed_root(quote).starts_with(dcap::simulated_vendor);
}

} // namespace dstack::verify
