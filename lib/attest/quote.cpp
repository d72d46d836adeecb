#include "attest/quote.hpp"

#include "crypto/hash.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

constexpr std::uint16_t certification_type_qe_report = 6;
constexpr std::size_t qe_report_data_offset = 320;

Result<QuoteHeader> parse_header(ByteReader& in)
{
  QuoteHeader h;
  h.version = TRY(in.u16le().within("version"));
  if (h.version != 4) return fail(Errc::unsupported, "quote version {} (want 4)", h.version);
  h.attestation_key_type = TRY(in.u16le().within("attestation key type"));
  if (h.attestation_key_type != 2)
    return fail(Errc::unsupported, "attestation key type {} (want 2, ECDSA P-256)",
                h.attestation_key_type);
  h.tee_type = TRY(in.u32le().within("TEE type"));
  if (h.tee_type != tee_type_tdx)
    return fail(Errc::unsupported, "TEE type {:#x} (want {:#x}, TDX)", h.tee_type, tee_type_tdx);
  h.reserved = TRY(in.array<4>().within("reserved"));
  h.qe_vendor_id = TRY(in.array<16>().within("QE vendor id"));
  h.user_data = TRY(in.array<20>().within("user data"));
  return h;
}

Result<Td10Body> parse_body(ByteReader& in)
{
  Td10Body b;
  b.tee_tcb_svn = TRY(in.array<16>().within("TEE TCB SVN"));
  b.mr_seam = TRY(in.array<48>().within("MRSEAM"));
  b.mr_signer_seam = TRY(in.array<48>().within("MRSIGNERSEAM"));
  b.seam_attributes = TRY(in.array<8>().within("SEAM attributes"));
  b.td_attributes = TRY(in.array<8>().within("TD attributes"));
  b.xfam = TRY(in.array<8>().within("XFAM"));
  b.mrtd = TRY(in.array<48>().within("MRTD"));
  b.mr_config_id = TRY(in.array<48>().within("MRCONFIGID"));
  b.mr_owner = TRY(in.array<48>().within("MROWNER"));
  b.mr_owner_config = TRY(in.array<48>().within("MROWNERCONFIG"));
  for (auto& rtmr : b.rtmr)
    rtmr = TRY(in.array<48>().within("RTMR"));
  b.report_data = TRY(in.array<64>().within("report data"));
  return b;
}

Result<QeCertification> parse_certification(ByteReader& in)
{
  const std::uint16_t type = TRY(in.u16le().within("certification data type"));
  if (type != certification_type_qe_report)
    return fail(Errc::unsupported, "certification data type {} (want 6)", type);
  const std::uint32_t size = TRY(in.u32le().within("certification data size"));
  ByteReader inner{TRY(in.take(size).within("certification data"))};
  QeCertification c;
  c.qe_report = TRY(inner.array<qe_report_size>().within("QE report"));
  c.qe_report_signature = TRY(inner.array<64>().within("QE report signature"));
  const std::uint16_t auth_size = TRY(inner.u16le().within("QE authentication data size"));
  c.auth_data = to_bytes(TRY(inner.take(auth_size).within("QE authentication data")));
  c.certification_type = TRY(inner.u16le().within("PCK certification data type"));
  const std::uint32_t chain_size = TRY(inner.u32le().within("PCK certification data size"));
  c.certification_data = to_bytes(TRY(inner.take(chain_size).within("PCK certification data")));
  TRY(inner.finish().within("certification data"));
  return c;
}

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

Result<QuoteV4> parse_quote_v4(ByteView raw)
{
  if (raw.size() > max_quote_size)
    return fail(Errc::malformed, "quote of {} bytes (limit {})", raw.size(), max_quote_size);
  ByteReader in{raw};
  QuoteV4 quote;
  quote.header = TRY(parse_header(in).within("quote header"));
  quote.body = TRY(parse_body(in).within("TD report"));
  quote.signed_part = to_bytes(raw.first(in.offset()));
  const std::uint32_t size = TRY(in.u32le().within("signature data size"));
  ByteReader signature_data{TRY(in.take(size).within("signature data"))};
  quote.signature = TRY(signature_data.array<64>().within("signature"));
  quote.attestation_key = TRY(signature_data.array<64>().within("attestation key"));
  quote.certification = TRY(parse_certification(signature_data));
  TRY(signature_data.finish().within("signature data"));
  const ByteView rest = in.rest();
  if (!std::all_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte == 0; }))
    return fail(Errc::malformed, "{} bytes after the quote", rest.size());
  return quote;
}

std::array<std::uint8_t, 64> qe_report_data(ByteView attestation_key, ByteView auth_data)
{
  const auto digest = crypto::sha256(concat({attestation_key, auth_data}));
  std::array<std::uint8_t, 64> out{};
  std::copy(digest.begin(), digest.end(), out.begin());
  return out;
}

Result<std::array<std::uint8_t, 64>> report_data_of(ByteView qe_report)
{
  ByteReader in{qe_report};
  static_cast<void>(TRY(in.take(qe_report_data_offset).within("QE report")));
  return in.array<64>().within("QE report data");
}

} // namespace dstack::attest
