#include "tee/sim_quote.hpp"

#include "crypto/hash.hpp"

#include <algorithm>

namespace dstack::tee {

namespace {

constexpr std::uint16_t certification_type_qe_report = 6;

} // namespace

Bytes encode(const QuoteHeader& header, const Td10Body& body)
{
  ByteWriter out;
  out.u16le(header.version).u16le(header.attestation_key_type).u32le(header.tee_type);
  out.put(header.reserved).put(header.qe_vendor_id).put(header.user_data);
  out.put(body.tee_tcb_svn).put(body.mr_seam).put(body.mr_signer_seam).put(body.seam_attributes);
  out.put(body.td_attributes).put(body.xfam).put(body.mrtd).put(body.mr_config_id);
  out.put(body.mr_owner).put(body.mr_owner_config);
  for (const auto& rtmr : body.rtmr)
    out.put(rtmr);
  out.put(body.report_data);
  DSTACK_ASSERT(out.size() == quote_header_size + td10_body_size);
  return out.take();
}

Bytes encode(const QuoteV4& quote)
{
  const QeCertification& c = quote.certification;
  const Bytes inner = ByteWriter{}
                          .put(c.qe_report)
                          .put(c.qe_report_signature)
                          .u16le(static_cast<std::uint16_t>(c.auth_data.size()))
                          .put(c.auth_data)
                          .u16le(c.certification_type)
                          .u32le(static_cast<std::uint32_t>(c.certification_data.size()))
                          .put(c.certification_data)
                          .take();
  const Bytes signature_data = ByteWriter{}
                                   .put(quote.signature)
                                   .put(quote.attestation_key)
                                   .u16le(certification_type_qe_report)
                                   .u32le(static_cast<std::uint32_t>(inner.size()))
                                   .put(inner)
                                   .take();
  return ByteWriter{}
      .put(quote.signed_part)
      .u32le(static_cast<std::uint32_t>(signature_data.size()))
      .put(signature_data)
      .take();
}

std::array<std::uint8_t, 64> qe_report_data(ByteView attestation_key, ByteView auth_data)
{
  const auto digest = crypto::sha256(concat({attestation_key, auth_data}));
  std::array<std::uint8_t, 64> out{};
  std::copy(digest.begin(), digest.end(), out.begin());
  return out;
}

} // namespace dstack::tee
