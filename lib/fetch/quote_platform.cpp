#include "fetch/quote_platform.hpp"

#include "dcap/pck.hpp"
#include "fetch/issuer_chain.hpp"

#include <algorithm>

namespace dstack::fetch {

namespace {

constexpr std::uint16_t plain_ppid = 1;

template <std::size_t N> Result<dcap::Field<N>> field_of(ByteView bytes, std::string_view name)
{
  if (bytes.size() < N) return fail(Errc::malformed, "{} of {} bytes", name, bytes.size());
  dcap::Field<N> out{};
  std::copy_n(bytes.begin(), N, out.begin());
  return out;
}

} // namespace

Result<PckSource> pck_source(const dcap::Quote& quote)
{
  if (quote.certification_type == pck_chain_data)
    return PckSource{to_text(quote.certification_data)};
  if (quote.certification_type == plain_ppid)
    return fail(Errc::unsupported, "the quote names its platform by a plain PPID, for which no "
                                   "certificate can be fetched; give a PCK chain");
  const auto ids = TRY(dcap::platform_ids(quote));
  PckRequest out;
  out.encrypted_ppid = to_bytes(ids.ppid);
  out.cpu_svn = TRY(field_of<16>(ids.cpu_svn, "CPUSVN"));
  out.pce_svn = ids.pce_svn;
  out.pce_id = TRY(field_of<2>(ids.pce_id, "PCE id"));
  out.qe_id = TRY(field_of<16>(quote.user_data, "QE id"));
  return PckSource{std::move(out)};
}

Result<PcsRequest>
request_for(std::string_view pck_chain, dcap::TeeType tee, const TcbUpdate& update)
{
  const auto chain = TRY(x509::certificates_of_pem(pck_chain, max_chain_certificates));
  if (chain.empty()) return fail(Errc::malformed, "a PCK chain without certificates");
  const auto leaf = TRY(x509::parse_p256_certificate(chain.front()).within("PCK certificate"));
  PcsRequest out;
  out.ca = TRY(pck_ca_of_issuer(x509::common_name(leaf.issuer)));
  out.fmspc = TRY(dcap::parse_pck_extension(leaf).within("PCK certificate")).fmspc;
  out.tee = tee;
  out.update = update;
  return out;
}

} // namespace dstack::fetch
