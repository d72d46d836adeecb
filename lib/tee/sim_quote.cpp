#include "tee/sim_quote.hpp"

namespace dstack::tee {

namespace {

constexpr std::uint16_t version = 4;
constexpr std::uint16_t key_type_p256 = 2;
constexpr std::uint16_t type_qe_report = 6;
constexpr std::uint16_t type_pck_chain = 5;

} // namespace

Bytes encode_signed_part(const dcap::Field<20>& user_data, const dcap::TdReport& td)
{
  ByteWriter out;
  out.u16le(version).u16le(key_type_p256);
  out.u32le(static_cast<std::uint32_t>(dcap::TeeType::tdx)).zeros(4);
  out.put(dcap::intel_qe_vendor_id).put(user_data);
  out.put(td.tee_tcb_svn).put(td.mr_seam).put(td.mr_signer_seam).put(td.seam_attributes);
  out.put(td.td_attributes).put(td.xfam).put(td.mrtd).put(td.mr_config_id);
  out.put(td.mr_owner).put(td.mr_owner_config);
  for (const auto& rtmr : td.rtmr)
    out.put(rtmr);
  out.put(td.report_data);
  DSTACK_ASSERT(out.size() == dcap::quote_header_size + dcap::td10_size);
  return out.take();
}

Bytes encode_quote(ByteView signed_part, const QuoteAuth& auth)
{
  const Bytes inner = ByteWriter{}
                          .put(auth.qe_report)
                          .put(auth.qe_report_signature)
                          .u16le(static_cast<std::uint16_t>(auth.auth_data.size()))
                          .put(auth.auth_data)
                          .u16le(type_pck_chain)
                          .u32le(static_cast<std::uint32_t>(auth.pck_chain.size()))
                          .text(auth.pck_chain)
                          .take();
  const Bytes outer = ByteWriter{}
                          .put(auth.signature)
                          .put(auth.attestation_key)
                          .u16le(type_qe_report)
                          .u32le(static_cast<std::uint32_t>(inner.size()))
                          .put(inner)
                          .take();
  return ByteWriter{}
      .put(signed_part)
      .u32le(static_cast<std::uint32_t>(outer.size()))
      .put(outer)
      .take();
}

} // namespace dstack::tee
