#include "kms/certificates.hpp"

#include "attest/ratls_write.hpp"
#include "base/text.hpp"
#include "kms/names.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

using x509::AppCertificateSpec;
using x509::AppName;

AppName root_name()
{
  return {"Dstack", "Dstack KMS CA"};
}
AppName temp_name()
{
  return {"Dstack", "Dstack Client Temp CA"};
}
AppName app_name()
{
  return {"Dstack", "Dstack App CA"};
}

AppCertificateSpec authority(const AppName& subject, int path_length, std::int64_t now)
{
  AppCertificateSpec out;
  out.subject = out.issuer = subject;
  out.ca_path_length = path_length;
  out.not_after = now + x509::default_validity;
  return out;
}

/// Names of a machine for itself prove nothing to anybody else, and apps ask for them.
Status check_names(const attest::CsrConfig& config, const std::vector<std::string>& own_domains)
{
  std::vector<std::string> names = config.alt_names;
  names.push_back(config.subject);
  for (const std::string& name : names) {
    std::string asked = lower(name);
    while (asked.ends_with('.'))
      asked.pop_back();
    for (const std::string& domain : own_domains)
      if (!is_local(domain) && covers(asked, lower(domain)))
        return fail(Errc::denied, "'{}' is a name of the KMS", printable(name));
  }
  return ok();
}

Result<std::int64_t> seconds(std::uint64_t asked, std::string_view what)
{
  constexpr std::uint64_t year_10000 = 253'402'300'800;
  if (asked >= year_10000) return fail(Errc::malformed, "{} is too far in the future", what);
  return static_cast<std::int64_t>(asked);
}

} // namespace

Result<Bytes> root_ca_certificate(const crypto::P256Key& root_ca, std::int64_t now)
{
  return x509::make_app_certificate(authority(root_name(), 1, now), root_ca.spki_der(), root_ca);
}

Result<Bytes> temp_ca_certificate(const crypto::P256Key& temp_ca, std::int64_t now)
{
  return x509::make_app_certificate(authority(temp_name(), 0, now), temp_ca.spki_der(), temp_ca);
}

Result<Bytes> rpc_certificate(const crypto::P256Key& root_ca,
                              ByteView spki,
                              const std::vector<std::string>& domains,
                              const std::vector<x509::Extension>& attestation,
                              std::int64_t now)
{
  if (domains.empty()) return fail(Errc::config, "no domain for the certificate of the KMS");
  for (const std::string& domain : domains)
    TRY(check_domain(domain));
  AppCertificateSpec spec;
  spec.subject.common_name = domains.front();
  spec.issuer = root_name();
  spec.alt_names = domains;
  spec.not_after = now + x509::default_validity;
  spec.extensions = {attest::usage_extension(attest::usage_kms)};
  spec.extensions.insert(spec.extensions.end(), attestation.begin(), attestation.end());
  return x509::make_app_certificate(spec, spki, root_ca);
}

Result<Bytes> app_ca_certificate(const crypto::P256Key& root_ca,
                                 const crypto::P256Key& app_ca,
                                 ByteView app_id,
                                 std::int64_t now)
{
  AppCertificateSpec spec = authority(app_name(), 0, now);
  spec.issuer = root_name();
  spec.extensions = {attest::app_id_extension(app_id),
                     attest::usage_extension(attest::usage_app_ca)};
  return x509::make_app_certificate(spec, app_ca.spki_der(), root_ca);
}

Result<Bytes> leaf_certificate(const crypto::P256Key& app_ca,
                               const attest::Csr& csr,
                               const LeafFacts& facts,
                               const std::vector<std::string>& own_domains,
                               std::int64_t now)
{
  const attest::CsrConfig& asked = csr.config;
  TRY(check_names(asked, own_domains));
  AppCertificateSpec spec;
  spec.subject = {asked.organisation.value_or(""), asked.subject};
  spec.issuer = app_name();
  spec.alt_names = asked.alt_names;
  spec.server_auth = asked.server_auth;
  spec.client_auth = asked.client_auth;
  if (asked.not_before) spec.not_before = TRY(seconds(*asked.not_before, "not_before"));
  spec.not_after = now + x509::default_validity;
  if (asked.not_after)
    spec.not_after = std::min(spec.not_after, TRY(seconds(*asked.not_after, "not_after")));
  spec.extensions = {attest::app_id_extension(facts.app_id)};
  if (asked.ext_app_info && facts.app_info) spec.extensions.push_back(*facts.app_info);
  spec.extensions.push_back(attest::usage_extension(attest::usage_app));
  if (asked.ext_quote && facts.attestation) spec.extensions.push_back(*facts.attestation);
  return x509::make_app_certificate(spec, csr.public_key, app_ca);
}

Status check_domain(std::string_view domain)
{
  constexpr std::size_t longest = 253;
  constexpr std::size_t longest_label = 63;
  const auto wrong = [&](std::string_view why) {
    return fail(Errc::config, "'{}' is no domain: {}", printable(domain), why);
  };
  if (domain.empty() || domain.size() > longest) return wrong("1 to 253 characters");
  if (parse_address(std::string{domain})) return ok();
  for (const std::string_view label : split(domain, '.')) {
    if (label.empty() || label.size() > longest_label)
      return wrong("labels of 1 to 63 characters between the dots");
    const bool plain = std::all_of(label.begin(), label.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!plain || label.front() == '-' || label.back() == '-')
      return wrong("letters, digits and inner hyphens only");
  }
  return ok();
}

bool ends_soon(std::int64_t not_after, std::int64_t now)
{
  constexpr std::int64_t year = std::int64_t{365} * 86'400;
  return not_after <= now + year;
}

} // namespace dstack::kms
