#include "attest/evidence.hpp"

#include "base/text.hpp"
#include "dcap/quote.hpp"
#include "x509/read.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

using codec::Json;

constexpr std::size_t snp_report_size = 1184;

bool is_snp_report(ByteView raw)
{
  return raw.size() == snp_report_size && raw[0] >= 2 && raw[0] <= 5 && raw[1] == 0 &&
         raw[2] == 0 && raw[3] == 0;
}

bool is_der(ByteView raw)
{
  return raw.size() > 4 && raw[0] == 0x30 && raw[1] >= 0x81U && raw[1] <= 0x84U;
}

bool is_attestation(ByteView raw)
{
  return !raw.empty() &&
         (raw[0] == 0 || (raw[0] & 0xf0U) == 0x80U || raw[0] == 0xdeU || raw[0] == 0xdfU);
}

void fill_report_data(Attestation& a, std::size_t offset)
{
  if (a.quote.size() < offset + a.report_data.size()) return;
  std::copy_n(a.quote.begin() + static_cast<std::ptrdiff_t>(offset), a.report_data.size(),
              a.report_data.begin());
}

Evidence bare_quote(ByteView raw)
{
  Evidence out;
  out.form = fmt::format("{} quote v{}", raw.size() > 4 && raw[4] == 0x81 ? "TDX" : "SGX", raw[0]);
  out.attestation.quote = to_bytes(raw);
  return out;
}

Evidence bare_report(ByteView raw)
{
  constexpr std::size_t report_data = 0x50;
  Evidence out;
  out.form = "SEV-SNP report";
  out.attestation.platform = Platform::amd_sev_snp;
  out.attestation.quote = to_bytes(raw);
  fill_report_data(out.attestation, report_data);
  return out;
}

Result<Evidence> from_blob(ByteView raw)
{
  Evidence out;
  out.attestation = TRY(parse_attestation(raw));
  out.form = fmt::format("attestation V{}", out.attestation.version);
  out.has_event_log = true;
  return out;
}

Result<Evidence> from_certificate(ByteView der)
{
  Evidence out;
  RaTls certificate = TRY(parse_ratls(der));
  out.attestation = certificate.attestation;
  out.has_event_log = !out.attestation.event_log.empty() ||
                      !out.attestation.runtime_events.empty() || !out.attestation.mr_config.empty();
  out.certificate = std::move(certificate);
  out.form = "RA-TLS certificate";
  return out;
}

/// Anything but JSON, from its bytes.
Result<Evidence> from_binary(ByteView raw)
{
  if (dcap::looks_like_quote(raw)) return bare_quote(raw);
  if (is_snp_report(raw)) return bare_report(raw);
  if (is_der(raw)) return from_certificate(raw);
  if (is_attestation(raw)) return from_blob(raw);
  return fail(Errc::malformed,
              "this is no quote, report, attestation or certificate that dstack "
              "knows (its first bytes are {})",
              hex(raw.first(std::min<std::size_t>(raw.size(), 8))));
}

Result<std::string> text_or_json(const Json& in, std::string_view key)
{
  const Json* found = in.find(key);
  if (found == nullptr || found->is_null()) return std::string{};
  if (found->is_string()) return found->text();
  return codec::write_json(*found);
}

Result<Evidence> from_getquote(const Json& in)
{
  const std::string quote = TRY(in.need_string("quote"));
  const Bytes raw =
      TRY(parse_hex(quote.starts_with("0x") ? quote.substr(2) : quote).within("quote"));
  Evidence out = TRY(from_binary(raw).within("quote"));
  const std::string log = TRY(text_or_json(in, "event_log"));
  if (!log.empty()) {
    out.attestation.event_log = TRY(log_from_json(TRY(codec::parse_json(log).within("event_log"))));
    out.has_event_log = true;
  }
  out.attestation.config = TRY(text_or_json(in, "vm_config"));
  out.form += " in GetQuote JSON";
  return out;
}

/// Info names the app and carries its certificate, which is the evidence.
Result<Evidence> from_info(const Json& in)
{
  const std::string pem = TRY(in.need_string("app_cert"));
  const Bytes der = TRY(x509::first_certificate(as_bytes(pem)).within("app_cert"));
  Evidence out = TRY(from_certificate(der).within("app_cert"));
  const std::string text = TRY(text_or_json(in, "tcb_info"));
  if (!text.empty()) {
    const Json tcb = TRY(codec::parse_json(text).within("tcb_info"));
    out.app_compose = TRY(tcb.get_string("app_compose", ""));
  }
  out.form += " in Info JSON";
  return out;
}

Result<Evidence> from_json(std::string_view text)
{
  codec::JsonLimits limits;
  limits.max_bytes = max_evidence;
  const Json json = TRY(codec::parse_json(text, limits));
  const auto has = [&](std::string_view key) {
    const Json* found = json.find(key);
    return found != nullptr && found->is_string() && !found->text().empty();
  };
  if (has("attestation")) {
    const std::string blob = TRY(json.need_string("attestation"));
    const Bytes raw = TRY(parse_hex(blob).within("attestation"));
    Evidence out = TRY(from_binary(raw).within("attestation"));
    out.form += " in JSON";
    return out;
  }
  if (has("quote")) return from_getquote(json);
  if (has("app_cert")) return from_info(json);
  return fail(Errc::malformed, "JSON without 'quote', 'attestation' or 'app_cert'");
}

std::string without_blanks(std::string_view text)
{
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != ' ' && c != '\n' && c != '\r' && c != '\t'; });
  return out;
}

Result<Evidence> from_text(std::string_view text)
{
  if (text.starts_with('{')) return from_json(text);
  if (text.starts_with("-----BEGIN"))
    return from_certificate(TRY(x509::first_certificate(as_bytes(text))));
  const std::string solid = without_blanks(text);
  const std::string_view digits =
      solid.starts_with("0x") ? std::string_view{solid}.substr(2) : std::string_view{solid};
  for (const auto& [name, raw] :
       {std::pair{"hex", parse_hex(digits)}, std::pair{"base64", parse_base64(solid)}}) {
    if (!raw || raw->empty()) continue;
    Evidence out = TRY(from_binary(*raw).within("{}", name));
    out.form += fmt::format(", {}", name);
    return out;
  }
  return fail(Errc::malformed, "this is no quote, report, attestation, certificate or JSON that "
                               "dstack knows");
}

} // namespace

Result<Evidence> recognise(ByteView file)
{
  if (file.size() > max_evidence)
    return fail(Errc::malformed, "{} bytes (limit {})", file.size(), max_evidence);
  if (file.empty()) return fail(Errc::malformed, "empty");
  // Text starts with a printable character or white space; none of the binary forms do but DER,
  // whose second byte is no character.
  if (dcap::looks_like_quote(file) || is_snp_report(file) || is_der(file) || is_attestation(file))
    return from_binary(file);
  return from_text(trim(as_text(file)));
}

} // namespace dstack::attest
