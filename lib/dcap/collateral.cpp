#include "dcap/collateral.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"
#include "dcap/signed_json.hpp"
#include "x509/crl.hpp"
#include "x509/p256_certificate.hpp"

namespace dstack::dcap {

namespace {

using codec::Json;

constexpr std::uint8_t der_sequence = 0x30;

Result<Bytes> bytes_of_numbers(const codec::JsonArray& numbers)
{
  if (numbers.size() > x509::max_crl) return fail(Errc::malformed, "too many bytes");
  Bytes out;
  out.reserve(numbers.size());
  for (const Json& number : numbers) {
    const std::uint64_t value = TRY(number.as_u64());
    if (value > 255) return fail(Errc::malformed, "a byte of {}", value);
    out.push_back(static_cast<std::uint8_t>(value));
  }
  return out;
}

Result<const Json*> member(const Json& in, std::string_view key)
{
  const Json* found = in.find(key);
  if (found == nullptr || found->is_null()) return fail(Errc::malformed, "'{}' is missing", key);
  return found;
}

Result<Bytes> read_crl(const Json& in, std::string_view key)
{
  const Json* found = TRY(member(in, key));
  if (found->is_array()) return bytes_of_numbers(found->items()).within("{}", key);
  const std::string text = TRY(found->as_string().within("{}", key));
  return crl_to_der(as_bytes(text)).within("{}", key);
}

Result<Bytes> read_signature(const Json& in, std::string_view key)
{
  const Json* found = TRY(member(in, key));
  if (!found->is_array()) {
    const std::string text = TRY(found->as_string().within("{}", key));
    return parse_signature_hex(text).within("{}", key);
  }
  Bytes out = TRY(bytes_of_numbers(found->items()).within("{}", key));
  if (out.size() != 64) return fail(Errc::malformed, "{} of {} bytes", key, out.size());
  return out;
}

Result<std::string> read_text(const Json& in, std::string_view key)
{
  return TRY(member(in, key))->as_string().within("{}", key);
}

Result<Collateral> read_collateral(const Json& in)
{
  if (!in.is_object()) return fail(Errc::malformed, "not a JSON object");
  Collateral out;
  out.tcb_info = TRY(read_text(in, "tcb_info"));
  out.tcb_info_signature = TRY(read_signature(in, "tcb_info_signature"));
  out.tcb_info_issuer_chain = TRY(read_text(in, "tcb_info_issuer_chain"));
  out.qe_identity = TRY(read_text(in, "qe_identity"));
  out.qe_identity_signature = TRY(read_signature(in, "qe_identity_signature"));
  out.qe_identity_issuer_chain = TRY(read_text(in, "qe_identity_issuer_chain"));
  out.root_ca_crl = TRY(read_crl(in, "root_ca_crl"));
  out.pck_crl = TRY(read_crl(in, "pck_crl"));
  out.pck_crl_issuer_chain = TRY(in.get_string("pck_crl_issuer_chain", ""));
  out.pck_certificate_chain = TRY(in.get_string("pck_certificate_chain", ""));
  return out;
}

} // namespace

Result<Bytes> crl_to_der(ByteView answer)
{
  if (answer.size() > x509::max_crl)
    return fail(Errc::malformed, "CRL of {} bytes (limit {})", answer.size(), x509::max_crl);
  if (!answer.empty() && answer[0] == der_sequence && answer.size() > 1 && answer[1] >= 0x80U)
    return to_bytes(answer);
  const std::string_view text = trim(as_text(answer));
  if (text.starts_with("-----BEGIN")) return x509::one_pem_block(text, "X509 CRL");
  if (text.empty()) return fail(Errc::malformed, "empty CRL");
  return parse_hex(text).within("CRL that is neither DER nor PEM");
}

Result<Collateral> collateral_from_json(std::string_view text)
{
  codec::JsonLimits limits;
  limits.max_bytes = max_collateral;
  limits.max_depth = 32;
  const Json document = TRY(codec::parse_json(text, limits).within("collateral"));
  return read_collateral(document).within("collateral");
}

std::string to_json_text(const Collateral& c)
{
  Json out = Json::object();
  out.set("pck_crl_issuer_chain", c.pck_crl_issuer_chain)
      .set("root_ca_crl", hex(c.root_ca_crl))
      .set("pck_crl", hex(c.pck_crl))
      .set("tcb_info_issuer_chain", c.tcb_info_issuer_chain)
      .set("tcb_info", c.tcb_info)
      .set("tcb_info_signature", hex(c.tcb_info_signature))
      .set("qe_identity_issuer_chain", c.qe_identity_issuer_chain)
      .set("qe_identity", c.qe_identity)
      .set("qe_identity_signature", hex(c.qe_identity_signature));
  if (!c.pck_certificate_chain.empty()) out.set("pck_certificate_chain", c.pck_certificate_chain);
  return codec::write_json(out, {.indent = 2}) + "\n";
}

HashedCollateral::Digest HashedCollateral::digest_of(const Collateral& set)
{
  crypto::Sha256 hash;
  const auto add = [&](ByteView part) {
    hash.update(ByteWriter{}.u64le(part.size()).bytes());
    hash.update(part);
  };
  for (const std::string* text :
       {&set.tcb_info, &set.qe_identity, &set.tcb_info_issuer_chain, &set.qe_identity_issuer_chain})
    add(as_bytes(*text));
  for (const Bytes* part :
       {&set.tcb_info_signature, &set.qe_identity_signature, &set.root_ca_crl, &set.pck_crl})
    add(*part);
  return hash.finish();
}

} // namespace dstack::dcap
