#include "tee/sim_quote.hpp"

namespace dstack::tee {

namespace {

constexpr std::uint16_t sgx_version = 3;
constexpr std::uint16_t tdx_version = 4;
constexpr std::uint16_t key_type_p256 = 2;
constexpr std::uint16_t type_qe_report = 6;
constexpr std::uint16_t type_pck_chain = 5;

void put_header(ByteWriter& out, std::uint16_t version, dcap::TeeType tee, ByteView user_data)
{
  out.u16le(version).u16le(key_type_p256).u32le(static_cast<std::uint32_t>(tee)).zeros(4);
  out.put(dcap::intel_qe_vendor_id).put(user_data);
}

} // namespace

Bytes encode_signed_part(const dcap::Field<20>& user_data, const dcap::TdReport& td)
{
  ByteWriter out;
  put_header(out, tdx_version, dcap::TeeType::tdx, user_data);
  out.put(td.tee_tcb_svn).put(td.mr_seam).put(td.mr_signer_seam).put(td.seam_attributes);
  out.put(td.td_attributes).put(td.xfam).put(td.mrtd).put(td.mr_config_id);
  out.put(td.mr_owner).put(td.mr_owner_config);
  for (const auto& rtmr : td.rtmr)
    out.put(rtmr);
  out.put(td.report_data);
  DSTACK_ASSERT(out.size() == dcap::quote_header_size + dcap::td10_size);
  return out.take();
}

Bytes encode_signed_part(const dcap::Field<20>& user_data, const dcap::EnclaveReport& enclave)
{
  ByteWriter out;
  put_header(out, sgx_version, dcap::TeeType::sgx, user_data);
  out.put(enclave.cpu_svn).put(enclave.misc_select).zeros(12).put(enclave.isv_ext_prod_id);
  out.put(enclave.attributes).put(enclave.mr_enclave).zeros(32).put(enclave.mr_signer).zeros(32);
  out.put(enclave.config_id).u16le(enclave.isv_prod_id).u16le(enclave.isv_svn);
  out.u16le(enclave.config_svn).zeros(42).put(enclave.isv_family_id).put(enclave.report_data);
  DSTACK_ASSERT(out.size() == dcap::quote_header_size + dcap::enclave_report_size);
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
  ByteWriter behind;
  behind.put(auth.signature).put(auth.attestation_key);
  if (signed_part[0] == tdx_version)
    behind.u16le(type_qe_report).u32le(static_cast<std::uint32_t>(inner.size()));
  const Bytes outer = behind.put(inner).take();
  return ByteWriter{}
      .put(signed_part)
      .u32le(static_cast<std::uint32_t>(outer.size()))
      .put(outer)
      .take();
}

} // namespace dstack::tee
