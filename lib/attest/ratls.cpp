#include "attest/ratls.hpp"

#include "base/text.hpp"
#include "codec/gzip.hpp"
#include "x509/der_reader.hpp"
#include "x509/read.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

constexpr std::string_view oid_quote = "1.3.6.1.4.1.62397.1.1";
constexpr std::string_view oid_event_log = "1.3.6.1.4.1.62397.1.2";
constexpr std::string_view oid_app_id = "1.3.6.1.4.1.62397.1.3";
constexpr std::string_view oid_usage = "1.3.6.1.4.1.62397.1.4";
constexpr std::string_view oid_attestation = "1.3.6.1.4.1.62397.1.8";
constexpr std::string_view oid_app_info = "1.3.6.1.4.1.62397.1.9";
constexpr std::string_view gzip_mark = "ELGZv1";
constexpr std::size_t max_unpacked = std::size_t{16} << 10U;
constexpr std::size_t quote_report_data = 568; // of a v4 quote (spec guest 9)

/// The content inside the second OCTET STRING; empty when there is no such extension.
Result<Bytes> content_of(const x509::ReadCertificate& certificate, std::string_view oid)
{
  const Bytes* value = certificate.find(oid);
  if (value == nullptr) return Bytes{};
  const auto inner = TRY(x509::read_one(*value, x509::tag::octet_string).within("{}", oid));
  return to_bytes(inner.content);
}

Result<std::string> event_log_text(const Bytes& content)
{
  const std::string_view text = as_text(content);
  if (!text.starts_with(gzip_mark)) return std::string{text};
  const Bytes unpacked =
      TRY(codec::gunzip(ByteView{content}.subspan(gzip_mark.size()), max_unpacked));
  return to_text(unpacked);
}

Result<Attestation> old_form(const x509::ReadCertificate& certificate)
{
  Attestation out;
  out.quote = TRY(content_of(certificate, oid_quote));
  const Bytes log = TRY(content_of(certificate, oid_event_log));
  if (!log.empty()) {
    const std::string text = TRY(event_log_text(log).within("event log"));
    out.event_log = TRY(log_from_json(TRY(codec::parse_json(text).within("event log"))));
  }
  if (out.quote.size() >= quote_report_data + out.report_data.size())
    std::copy_n(out.quote.begin() + quote_report_data, out.report_data.size(),
                out.report_data.begin());
  return out;
}

} // namespace

Result<RaTls> parse_ratls(ByteView certificate_der)
{
  const auto certificate = TRY(x509::outline_certificate(certificate_der));
  RaTls out;
  if (certificate.find(oid_attestation) != nullptr)
    out.attestation =
        TRY(parse_attestation(TRY(content_of(certificate, oid_attestation))).within("certificate"));
  else if (certificate.find(oid_quote) != nullptr)
    out.attestation = TRY(old_form(certificate).within("certificate"));
  else
    return fail(Errc::not_found, "the certificate '{}' carries no attestation",
                certificate.subject);
  out.app_id = TRY(content_of(certificate, oid_app_id));
  out.usage = printable(as_text(TRY(content_of(certificate, oid_usage))));
  out.spki = certificate.spki;
  out.subject = certificate.subject;
  out.not_before = certificate.not_before;
  out.not_after = certificate.not_after;
  return out;
}

Result<CertificateMarks> certificate_marks(ByteView certificate_der)
{
  const auto certificate = TRY(x509::outline_certificate(certificate_der));
  CertificateMarks out;
  out.spki = certificate.spki;
  out.usage = printable(as_text(TRY(content_of(certificate, oid_usage))));
  out.app_id = TRY(content_of(certificate, oid_app_id));
  out.app_info = TRY(content_of(certificate, oid_app_info));
  out.attested =
      certificate.find(oid_attestation) != nullptr || certificate.find(oid_quote) != nullptr;
  return out;
}

std::array<std::uint8_t, 64> ratls_report_data(ByteView spki)
{
  return crypto::sha512(concat({as_bytes("ratls-cert:"), spki}));
}

} // namespace dstack::attest
