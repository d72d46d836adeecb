#include "certs/settings.hpp"

#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"

namespace dstack::certs {

namespace {

Time at_seconds(std::int64_t seconds)
{
  return Time{seconds * 1000};
}

} // namespace

std::vector<std::string> certificate_names(const Domain& domain)
{
  switch (domain.names) {
  case Names::wildcard:
    return {"*." + domain.name};
  case Names::wildcard_and_itself:
    return {"*." + domain.name, domain.name};
  case Names::itself:
    break;
  }
  return {domain.name};
}

std::string challenge_name_of(const Domain& domain)
{
  return domain.challenge_name.empty() ? "_acme-challenge." + domain.name : domain.challenge_name;
}

Result<Certificate> read_certificate(std::string domain, std::string chain_pem, std::string key_pem)
{
  const auto chain = TRY(x509::certificates_of_pem(chain_pem, max_chain));
  const auto ours = TRY(x509::read_certificate(chain.front()));
  const SecretBytes der{TRY(x509::one_pem_block(key_pem, "PRIVATE KEY").within("key"))};
  const auto key = TRY(crypto::P256Key::from_pkcs8_der(der.view()).within("key"));
  if (!equal(key.spki_der(), ours.spki))
    return fail(Errc::malformed, "the certificate is for another key");
  Certificate out;
  out.domain = std::move(domain);
  out.chain_pem = std::move(chain_pem);
  out.key_pem = std::move(key_pem);
  out.spki = ours.spki;
  out.not_before = at_seconds(ours.not_before);
  out.not_after = at_seconds(ours.not_after);
  return out;
}

} // namespace dstack::certs
