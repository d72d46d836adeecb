#include "guest/snp_kernel.hpp"

#include "guest/modules.hpp"
#include "guest/mounts.hpp"

#include <algorithm>
#include <sys/mount.h>

namespace dstack::guest {

namespace {

const std::vector<std::string> snp_modules = {"configfs", "tsm_report", "sev_guest"};
constexpr const char* report_entry = "/sys/kernel/config/tsm/report/dstack";

} // namespace

Result<tee::SnpReport> open_snp_kernel()
{
  TRY(load_modules(snp_modules).within("kernel modules"));
  TRY(mount_at("configfs", "/sys/kernel/config", "configfs", MS_NOSUID | MS_NODEV, ""));
  return tee::SnpReport::open(report_entry).within("SEV-SNP");
}

std::string describe(const tee::SnpEvidence& evidence)
{
  const snp::Certificates& from_host = evidence.certificates;
  const auto there = {&from_host.vcek, &from_host.ask, &from_host.ark, &from_host.crl};
  const auto count =
      std::count_if(there.begin(), there.end(), [](const Bytes* part) { return !part->empty(); });
  return fmt::format("SEV-SNP report version {}, {}, measurement {}, host data {}, {} certificates "
                     "from the host",
                     evidence.parsed.version, snp::policy_text(evidence.parsed.policy),
                     hex(evidence.parsed.measurement), hex(evidence.parsed.host_data), count);
}

} // namespace dstack::guest
