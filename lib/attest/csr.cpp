#include "attest/csr.hpp"

#include "attest/scale.hpp"
#include "crypto/hash.hpp"
#include "crypto/p256_public.hpp"

namespace dstack::attest {

namespace {

constexpr std::string_view confirmation = "please sign cert:";
constexpr std::size_t max_csr = std::size_t{10} << 20U;
constexpr std::size_t max_names = 1024;
constexpr std::size_t max_key = 1024;

ScaleWriter& flag(ScaleWriter& out, bool value)
{
  return out.u8(value ? 1 : 0);
}

void write_time(ScaleWriter& out, const std::optional<std::uint64_t>& time)
{
  flag(out, time.has_value());
  if (time) out.fixed(ByteWriter{}.u64le(*time).take());
}

Result<bool> read_flag(ScaleReader& in)
{
  const std::uint8_t byte = TRY(in.u8());
  if (byte > 1) return fail(Errc::malformed, "a flag of {}", byte);
  return byte == 1;
}

Result<std::optional<std::uint64_t>> read_time(ScaleReader& in)
{
  if (!TRY(read_flag(in))) return std::optional<std::uint64_t>{};
  ByteReader raw{TRY(in.fixed(sizeof(std::uint64_t)))};
  const std::uint64_t time = TRY(raw.u64le());
  return std::optional<std::uint64_t>{time};
}

void write_config(ScaleWriter& out, const CsrConfig& config)
{
  flag(out, config.organisation.has_value());
  if (config.organisation) out.text(*config.organisation);
  out.text(config.subject).count(config.alt_names.size());
  for (const std::string& name : config.alt_names)
    out.text(name);
  for (const bool value :
       {config.server_auth, config.client_auth, config.ext_quote, config.ext_app_info})
    flag(out, value);
  write_time(out, config.not_before);
  write_time(out, config.not_after);
}

Result<CsrConfig> read_config(ScaleReader& in)
{
  CsrConfig out;
  if (TRY(read_flag(in))) out.organisation = TRY(in.text());
  out.subject = TRY(in.text());
  const std::size_t names = TRY(in.count(max_names));
  for (std::size_t i = 0; i < names; ++i)
    out.alt_names.push_back(TRY(in.text()));
  for (bool* value : {&out.server_auth, &out.client_auth, &out.ext_quote, &out.ext_app_info})
    *value = TRY(read_flag(in));
  out.not_before = TRY(read_time(in));
  out.not_after = TRY(read_time(in));
  return out;
}

} // namespace

Bytes encode(const Csr& csr)
{
  ScaleWriter out;
  out.text(confirmation).bytes(csr.public_key);
  write_config(out, csr.config);
  return out.fixed(csr.attestation).take();
}

Result<Csr> parse_csr(ByteView raw)
{
  if (raw.size() > max_csr)
    return fail(Errc::malformed, "a request of {} bytes (limit {})", raw.size(), max_csr);
  ScaleReader in{raw};
  if (TRY(in.text().within("request")) != confirmation)
    return fail(Errc::malformed, "this is no request for a certificate");
  Csr out;
  out.public_key = to_bytes(TRY(in.bytes().within("public key")));
  if (out.public_key.size() > max_key)
    return fail(Errc::malformed, "a public key of {} bytes", out.public_key.size());
  out.config = TRY(read_config(in).within("request"));
  out.attestation = to_bytes(in.rest());
  return out;
}

Status check_csr_signature(ByteView raw, ByteView signature)
{
  constexpr std::size_t spki_size = 91; // P-256: a fixed head, 04, X and Y
  constexpr std::size_t point_size = 64;
  const Csr csr = TRY(parse_csr(raw));
  if (csr.public_key.size() != spki_size)
    return fail(Errc::malformed, "the key of the request is no P-256 key");
  const auto key =
      TRY(crypto::P256Public::from_xy(ByteView{csr.public_key}.last(point_size)).within("request"));
  if (key.verify_der(crypto::sha256(raw), signature)) return ok();
  return fail(Errc::untrusted, "the request is not signed with its own key");
}

} // namespace dstack::attest
