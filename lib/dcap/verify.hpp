#pragma once
/// The verdict on an Intel quote: every check of spec verify 4, in its order, offline. Policy
/// (which TCB status and attributes are acceptable) is the caller's.

#include "dcap/chains.hpp"
#include "dcap/tcb_match.hpp"

#include <map>
#include <set>

namespace dstack::dcap {

/// The questions asked, in order. A verification that failed stopped at one of them.
enum class Stage {
  quote_format,
  root_crl,
  tcb_info,
  qe_identity,
  pck_chain,
  pck_crl,
  validity,
  revocation,
  pck_extension,
  qe_report_signature,
  qe_report_data,
  qe_identity_match,
  quote_signature,
  tcb_info_match,
  tdx_module,
  tcb_level,
};
inline constexpr std::size_t stage_count = 16;
std::string_view id_of(Stage stage);     ///< "quote.signature": stable, for pipelines
std::string_view title_of(Stage stage);  ///< "the quote is signed by the attestation key"
std::string_view source_of(Stage stage); ///< where the expectation comes from

struct DcapReport {
  Quote quote{}; ///< views into the caller's bytes
  TcbResult tcb{};
  std::vector<std::string> advisory_ids{}; ///< platform, module, QE; each once
  std::int64_t tcb_date = 0;               ///< oldest tcbDate of the levels used
  std::uint32_t evaluation_number = 0;     ///< the lower of TCB info's and QE identity's
  PckExtension pck{};
  bool platform_ca = false;
  std::int64_t latest_start = 0;        ///< of all windows that took part
  std::int64_t earliest_expiration = 0; ///< of all windows that took part
  std::vector<Window> windows{};
};

struct Verification {
  std::optional<DcapReport> report{};  ///< there when all checks passed
  Stage reached = Stage::quote_format; ///< the failed stage when there is no report
  std::optional<Error> error{};
  Counts counts{};
};

/// Verifies quotes and remembers what it has proven of certificates and signed documents, by the
/// SHA-256 of their bytes. Dates, revocation and levels are judged anew each time. Not for use by
/// several threads at once: give each its own.
class Verifier {
public:
  explicit Verifier(Anchor anchor) : anchor_(std::move(anchor)) {}

  /// quote must outlive the result; at is Unix seconds.
  Verification verify(ByteView quote, const Collateral& collateral, std::int64_t at);
  /// The same for a set that judges many quotes: it is not hashed again for each.
  Verification verify(ByteView quote, const HashedCollateral& collateral, std::int64_t at);

  const Anchor& anchor() const { return anchor_; }

private:
  struct Run;
  using Digest = HashedCollateral::Digest;

  Verification
  verify(ByteView quote, const Collateral& collateral, const Digest& digest, std::int64_t at);
  Result<std::shared_ptr<const SignedCollateral>>
  collateral(const Collateral& from, const Digest& key, Run& run);
  Result<std::shared_ptr<const PckChain>>
  pck_chain(std::string_view pem, const Digest& key, Run& run);
  Status check_pck_crl(const SignedCollateral& collateral,
                       const PckChain& chain,
                       const std::pair<Digest, Digest>& key,
                       Run& run);
  Result<std::shared_ptr<const crypto::P256Public>> attestation_key(ByteView xy);
  Result<DcapReport>
  run(ByteView raw, const Collateral& from, const Digest& from_digest, std::int64_t at, Run& run);

  Anchor anchor_;
  std::map<Digest, std::shared_ptr<const SignedCollateral>> collaterals_;
  std::map<Digest, std::shared_ptr<const PckChain>> chains_;
  std::set<std::pair<Digest, Digest>> proven_crls_; ///< of which set, for which chain
  std::map<Field<64>, std::shared_ptr<const crypto::P256Public>> keys_;
};

/// Policy flags of a TD's or enclave's attributes, by the names of spec verify 11; empty is good.
std::vector<std::string> attribute_flags(const Quote& quote);

} // namespace dstack::dcap
