#pragma once
/// Certificates for AMD SEV-SNP reports from AMD's Key Distribution Service (AMD publication 57230,
/// "VCEK Certificate and KDS Interface Specification"), by way of the cache.

#include "fetch/cached_service.hpp"
#include "snp/anchors.hpp"
#include "snp/report.hpp"

namespace dstack::fetch {

/// The security version numbers a VCEK is derived from: REPORTED_TCB of the report.
struct SnpTcb {
  std::uint8_t bootloader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  std::optional<std::uint8_t> fmc{}; ///< Turin and later
};

struct KdsRequest {
  std::string product{}; ///< "Milan", "Genoa", "Turin"
  Bytes chip_id{};       ///< CHIP_ID of the report, 64 bytes; Turin uses the first 8
  SnpTcb tcb{};
};

/// What to ask for this report; Errc::not_found when it does not name its processor.
Result<KdsRequest> kds_request(const snp::Report& report);
/// Errc::unsupported for products without such a service, Errc::malformed for a masked chip id.
Result<std::string> vcek_url(std::string_view base, const KdsRequest& request);
std::string kds_chain_url(std::string_view base, std::string_view product);
std::string kds_crl_url(std::string_view base, std::string_view product);

/// DER. Signed under a root of AMD's; everything else is judged when a report is verified. Offline
/// nothing is checked: it is what the cache holds.
struct KdsChain {
  Bytes vcek{};
  Bytes ask{};
  Bytes ark{};
  Bytes crl{};
  std::size_t from_network = 0; ///< of the three answers
  std::string cache_problem{};  ///< why it could not be kept, empty when it was
};

class KdsSource {
public:
  /// options.base as service_base() gives it; what it answers must be signed under an anchor.
  KdsSource(CollateralCache cache, ServiceOptions options, std::vector<snp::Anchor> anchors)
      : service_(std::move(cache), std::move(options)), anchors_(std::move(anchors))
  {
  }

  /// Not expired at that time (offline: as cached). Any thread may ask.
  Result<KdsChain> chain(const KdsRequest& request, Time at) const;

private:
  CachedService service_;
  std::vector<snp::Anchor> anchors_;
};

} // namespace dstack::fetch
