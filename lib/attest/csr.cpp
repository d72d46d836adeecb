#include "attest/csr.hpp"

#include "attest/identity.hpp"
#include "attest/scale.hpp"
#include "crypto/hash.hpp"
#include "crypto/p256_public.hpp"

#include <algorithm>

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

enum class CsrVersion { v1, v2 };

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

Result<CsrConfig> read_config(ScaleReader& in, CsrVersion version)
{
  CsrConfig out;
  if (TRY(read_flag(in))) out.organisation = TRY(in.text());
  out.subject = TRY(in.text());
  const std::size_t names = TRY(in.count(max_names));
  for (std::size_t i = 0; i < names; ++i)
    out.alt_names.push_back(TRY(in.text()));
  for (bool* value : {&out.server_auth, &out.client_auth, &out.ext_quote})
    *value = TRY(read_flag(in));
  if (version == CsrVersion::v1) return out;
  out.ext_app_info = TRY(read_flag(in));
  out.not_before = TRY(read_time(in));
  out.not_after = TRY(read_time(in));
  return out;
}

/// What both versions start with.
Result<Csr> read_head(ScaleReader& in, CsrVersion version)
{
  if (TRY(in.text().within("request")) != confirmation)
    return fail(Errc::malformed, "this is no request for a certificate");
  Csr out;
  out.public_key = to_bytes(TRY(in.bytes().within("public key")));
  if (out.public_key.size() > max_key)
    return fail(Errc::malformed, "a public key of {} bytes", out.public_key.size());
  out.config = TRY(read_config(in, version).within("request"));
  return out;
}

Status check_size(ByteView raw)
{
  if (raw.size() <= max_csr) return ok();
  return fail(Errc::malformed, "a request of {} bytes (limit {})", raw.size(), max_csr);
}

Status set_report_data(Attestation& a)
{
  constexpr std::size_t of_v4 = 568;       // spec guest 9
  constexpr std::size_t of_v5 = of_v4 + 6; // a body descriptor stands before the report
  const std::size_t at = !a.quote.empty() && a.quote[0] == 5 ? of_v5 : of_v4;
  if (a.quote.size() < at + a.report_data.size())
    return fail(Errc::malformed, "a quote of {} bytes", a.quote.size());
  std::copy_n(a.quote.begin() + static_cast<std::ptrdiff_t>(at), a.report_data.size(),
              a.report_data.begin());
  return ok();
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
  TRY(check_size(raw));
  ScaleReader in{raw};
  Csr out = TRY(read_head(in, CsrVersion::v2));
  out.attestation = to_bytes(in.rest());
  return out;
}

Result<Csr> parse_csr_v1(ByteView raw)
{
  TRY(check_size(raw));
  ScaleReader in{raw};
  Csr out = TRY(read_head(in, CsrVersion::v1));
  Attestation lifted;
  lifted.quote = to_bytes(TRY(in.bytes().within("quote")));
  const ByteView log = TRY(in.bytes().within("event log"));
  TRY(in.finish().within("request"));
  lifted.event_log = TRY(log_from_json(TRY(codec::parse_json(as_text(log)).within("event log"))));
  lifted.runtime_events = runtime_events_of(lifted.event_log);
  TRY(set_report_data(lifted));
  out.attestation = encode(lifted);
  return out;
}

Status check_csr_signature(ByteView raw, ByteView signature)
{
  const Csr csr = TRY(parse_csr(raw));
  return check_csr_signature(raw, csr, signature);
}

Status check_csr_signature(ByteView raw, const Csr& csr, ByteView signature)
{
  const auto key = TRY(crypto::P256Public::from_spki(csr.public_key).within("key of the request"));
  if (key.verify_der(crypto::sha256(raw), signature)) return ok();
  return fail(Errc::untrusted, "the request is not signed with its own key");
}

} // namespace dstack::attest
