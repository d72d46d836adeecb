#include "tee/sim_provider.hpp"

#include "crypto/sealed_box.hpp"

#include <algorithm>

namespace dstack::tee {

using codec::Json;

namespace {

Status check_guest(const SimAuthority& authority,
                   const attest::TdxRegisters& registers,
                   const dcap::Quote& quote)
{
  if (quote.tee != dcap::TeeType::tdx || !authority.has_signed(quote))
    return fail(Errc::untrusted, "the quote is not of the simulated TEE of this machine");
  const dcap::TdReport& td = quote.td;
  if (td.mrtd != registers.mrtd || td.rtmr != registers.rtmr ||
      td.mr_config_id != registers.mr_config_id)
    return fail(Errc::untrusted, "the quote is not of this VM as it is now");
  return ok();
}

} // namespace

dcap::Field<32> sim_provider_id()
{
  return crypto::sha256(as_bytes("dstack SIMULATED key provider"));
}

Result<Json> provide_sealing_key(const SimAuthority& authority,
                                 const attest::TdxRegisters& registers,
                                 const Json& params)
{
  const Bytes raw = TRY(parse_hex(TRY(params.need_string("quote"))).within("quote"));
  const dcap::Quote quote = TRY(dcap::parse_quote(raw).within("quote"));
  TRY(check_guest(authority, registers, quote));
  crypto::BoxPublic recipient{};
  std::copy_n(quote.td.report_data.begin(), recipient.size(), recipient.begin());
  const std::string app_id = TRY(params.need_string("app_id"));
  const std::string instance_id = TRY(params.get_string("instance_id", ""));
  const auto key = authority.sealing_key(app_id, instance_id);
  const Bytes sealed = TRY(crypto::seal_key(recipient, key));
  dcap::EnclaveReport enclave;
  enclave.cpu_svn.fill(1);
  enclave.attributes = {0x05, 0, 0, 0, 0, 0, 0, 0, 0x03}; // initialised, 64 bit; x87 and SSE state
  enclave.mr_enclave = sim_provider_id();
  enclave.mr_signer = crypto::sha256(as_bytes("dstack SIMULATED"));
  const auto bound = crypto::sha256(sealed);
  std::copy(bound.begin(), bound.end(), enclave.report_data.begin());
  return Json{}
      .set("encrypted_key", hex(sealed))
      .set("provider_quote", hex(authority.enclave_quote(enclave)))
      .set("collateral", authority.enclave_collateral());
}

} // namespace dstack::tee
