#include "certs/dev_ca.hpp"

#include "crypto/hash.hpp"
#include "sys/files.hpp"
#include "sys/secret_files.hpp"
#include "x509/app_certificate.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"

namespace dstack::certs {

namespace {

constexpr std::int64_t day = 86'400;
constexpr std::int64_t authority_days = 3650;
constexpr std::int64_t leaf_days = 90;
constexpr std::size_t max_file = std::size_t{16} << 10U;
constexpr std::size_t shown_of_hash = 4; ///< bytes
constexpr std::string_view common_name_start = "dstack development CA ";

std::string name_of(const crypto::P256Key& key)
{
  const auto digest = crypto::sha256(key.spki_der());
  return fmt::format("{}{} (not for production)", common_name_start,
                     hex(ByteView{digest}.first(shown_of_hash)));
}

/// Of the first certificate; empty when it is none that we could have made.
std::string issuer_of(std::string_view chain_pem)
{
  const auto chain = x509::certificates_of_pem(chain_pem, max_chain);
  if (!chain) return {};
  const auto ours = x509::parse_p256_certificate(chain->front());
  return ours ? std::string{x509::common_name(ours->issuer)} : std::string{};
}

Result<std::string> make_certificate(const crypto::P256Key& key, Time now)
{
  x509::AppCertificateSpec spec;
  spec.subject = {"dstack", name_of(key)};
  spec.issuer = spec.subject;
  spec.ca_path_length = 0;
  spec.not_before = now.seconds() - day;
  spec.not_after = now.seconds() + authority_days * day;
  return x509::to_pem(TRY(x509::make_app_certificate(spec, key.spki_der(), key)));
}

Status check_key(ByteView file, const crypto::P256Key& key)
{
  const Bytes der = TRY(x509::first_certificate(file));
  const auto certificate = TRY(x509::read_certificate(der));
  if (equal(certificate.spki, key.spki_der())) return ok();
  return fail(Errc::config, "the certificate is of another key than dev-ca.key: remove both files "
                            "for a new authority");
}

Result<crypto::P256Key> read_key(const sys::fs::path& file)
{
  const SecretBytes pem = TRY(sys::read_secret(file, max_file));
  const SecretBytes der{
      TRY(x509::one_pem_block(as_text(pem.view()), "PRIVATE KEY").within("{}", file.string()))};
  return crypto::P256Key::from_pkcs8_der(der.view()).within("{}", file.string());
}

} // namespace

DevCa::DevCa(crypto::P256Key key, std::string file)
    : key_(std::move(key)), file_(std::move(file)), name_(name_of(key_))
{
}

Result<DevCa> DevCa::open(const std::string& directory, Time now)
{
  const sys::fs::path key_file = sys::fs::path{directory} / "dev-ca.key";
  const sys::fs::path file = sys::fs::path{directory} / "dev-ca.pem";
  TRY(sys::make_directories(directory, sys::Privacy::owner_only));
  auto key = read_key(key_file);
  if (!key && key.error().code() != Errc::not_found) return std::move(key).error();
  if (!key) {
    key = crypto::P256Key::generate();
    TRY(sys::write_file_atomic(key_file, as_bytes(key->pkcs8_pem()), sys::Privacy::owner_only));
  }
  const auto there = sys::read_file(file, max_file);
  if (!there && there.error().code() != Errc::not_found) return there.error();
  if (there) {
    TRY(check_key(*there, *key).within("{}", file.string()));
  } else { // also when it was lost: the key makes the same authority again
    const std::string pem = TRY(make_certificate(*key, now));
    TRY(sys::write_file_atomic(file, as_bytes(pem), sys::Privacy::owner_only));
  }
  return DevCa{*std::move(key), file.string()};
}

Result<Certificate> DevCa::issue(const Domain& domain, Time now) const
{
  const auto key = crypto::P256Key::generate();
  x509::AppCertificateSpec spec;
  spec.alt_names = certificate_names(domain);
  spec.subject = {"", spec.alt_names.front()};
  spec.issuer = {"dstack", name_};
  spec.server_auth = true;
  spec.not_before = now.seconds() - day;
  spec.not_after = now.seconds() + leaf_days * day;
  const Bytes der = TRY(x509::make_app_certificate(spec, key.spki_der(), key_));
  return read_certificate(domain.name, x509::to_pem(der), key.pkcs8_pem());
}

bool DevCa::has_issued(std::string_view chain_pem) const
{
  return issuer_of(chain_pem) == name_;
}

bool is_development(std::string_view chain_pem)
{
  return issuer_of(chain_pem).starts_with(common_name_start);
}

} // namespace dstack::certs
