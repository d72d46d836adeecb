#include "tee/tdx_guest.hpp"

#include "attest/ccel.hpp"
#include "base/text.hpp"
#include "dcap/quote.hpp"
#include "sys/files.hpp"
#include "tee/tdx_registers.hpp"
#include "tee/tsm_report.hpp"

namespace dstack::tee {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_config = 4096;
constexpr std::uint32_t firmware_registers = 3; ///< RTMR0 to RTMR2

Result<std::vector<attest::TdxEvent>> read_event_log(const fs::path& file)
{
  auto raw = sys::read_file(file, attest::max_tcg_log);
  if (!raw && raw.error().code() == Errc::not_found)
    return fail(Errc::not_found,
                "{} is missing: this firmware keeps no event log, so nobody could "
                "tell what RTMR0 to RTMR2 mean; use one with TDX measurement",
                file.string());
  return attest::parse_ccel(TRY(std::move(raw))).within("{}", file.string());
}

/// A log that does not explain the registers would make every verifier refuse, later and without
/// saying why.
Status check_log(const std::vector<attest::TdxEvent>& log, const dcap::TdReport& td)
{
  for (std::uint32_t i = 0; i < firmware_registers; ++i) {
    const auto replayed = TRY(attest::replay(log, i));
    if (replayed != td.rtmr.at(i))
      return fail(Errc::untrusted,
                  "the firmware's event log does not explain RTMR{}: it replays "
                  "to {}, the register holds {}",
                  i, hex(replayed), hex(td.rtmr.at(i)));
  }
  return ok();
}

class Tdx : public Tee {
public:
  Tdx(TdxPaths paths, TsmReport report) : paths_(std::move(paths)), report_(std::move(report)) {}

  std::string_view name() const override { return "tdx"; }
  bool simulated() const override { return false; }

  Result<BootLog> boot() override
  {
    const Bytes raw = TRY(quote(ReportData{}));
    const dcap::TdReport td = TRY(dcap::parse_quote(raw).within("own quote")).td;
    BootLog out;
    out.registers = {td.mrtd, td.rtmr, td.mr_config_id, td.mr_owner, td.mr_owner_config};
    out.events = TRY(read_event_log(paths_.event_log));
    TRY(check_log(out.events, td));
    return out;
  }

  Status extend(unsigned rtmr, const crypto::Sha384Digest& digest) override
  {
    return extend_register({paths_.measurements, paths_.device}, rtmr, digest);
  }

  Result<Bytes> quote(const ReportData& report_data) override { return report_.quote(report_data); }

  Result<std::optional<Secret<32>>> sealing_key(std::string_view /*app_id*/,
                                                std::string_view /*instance_id*/) override
  {
    return std::optional<Secret<32>>{}; // TDX keeps nothing across restarts
  }

  Result<dcap::Anchor> provider_root() override { return dcap::Anchor::intel(); }

private:
  TdxPaths paths_;
  TsmReport report_;
};

/// Where tdx-attest.conf names a quoting service by vsock port, other stacks ask it directly.
std::string without_configfs(const TdxPaths& paths)
{
  const auto config = sys::read_text(paths.attest_config, max_config);
  if (!config) return "";
  for (const std::string_view line : split(*config, '\n'))
    if (trim(line).starts_with("port"))
      return fmt::format("; a quoting service by vsock ({}: {}) is not spoken to directly, "
                         "configfs-tsm is needed",
                         paths.attest_config.string(), printable(trim(line)));
  return "";
}

} // namespace

Result<std::unique_ptr<Tee>> make_tdx(const TdxPaths& paths)
{
  std::error_code ignored;
  std::optional<Error> first;
  std::vector<std::string> missing;
  const auto miss = [&](const Error& error) {
    if (!first) first = error;
    missing.push_back(error.message());
  };
  const bool device = fs::exists(paths.device, ignored);
  if (!device)
    miss(fail(Errc::not_found, "{} is missing: load tdx_guest, which finds no device outside TDX",
              paths.device.string()));
  auto report = TsmReport::open(paths.report);
  if (!report)
    miss(Error{report.error().code(), report.error().message() + without_configfs(paths)});
  if (!device && !fs::is_directory(paths.measurements, ignored))
    miss(fail(Errc::not_found, "{} is missing: RTMRs cannot be extended",
              paths.measurements.string()));
  if (first) return fail(first->code(), "{}", join(missing, "; "));
  return std::unique_ptr<Tee>{std::make_unique<Tdx>(paths, *std::move(report))};
}

} // namespace dstack::tee
