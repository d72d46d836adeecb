#pragma once
/// A KMS of the specification's test keys (spec kms 20), as far as tests of its client need one.

#include "attest/ratls.hpp"
#include "attest/ratls_write.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"
#include "dcap/quote.hpp"
#include "keys/root_keys.hpp"
#include "kmsclient/client.hpp"
#include "x509/app_certificate.hpp"

namespace dstack::kmsclient::test {

constexpr Time now{1'767'225'600'000};
constexpr std::int64_t year_2050 = 2'524'608'000;

inline Bytes app_id()
{
  return Bytes(20, 0xa1);
}

inline crypto::P256Key p256_of(const char* words)
{
  return *crypto::P256Key::from_scalar(crypto::sha256(as_bytes(words)));
}

inline x509::AppCertificateSpec
spec_of(std::string name, std::string issuer, std::optional<int> path_length)
{
  x509::AppCertificateSpec out;
  out.subject = {path_length ? "Dstack" : "", std::move(name)};
  out.issuer = {"Dstack", std::move(issuer)};
  out.ca_path_length = path_length;
  out.not_after = year_2050;
  return out;
}

/// An attestation that says it is of a TDX guest with that report data; nobody signed its quote.
inline attest::Attestation attestation(const ReportData& data, bool debug = false)
{
  constexpr std::size_t attributes_at = 120; // in the report
  ByteWriter quote;
  quote.u16le(4).u16le(2).u32le(0x81).zeros(4).put(dcap::intel_qe_vendor_id).zeros(20);
  quote.zeros(attributes_at).u8(debug ? 1 : 0).zeros(dcap::td10_size - attributes_at - 1 - 64);
  quote.put(data);
  ByteWriter inner;
  inner.zeros(384 + 64).u16le(0).u16le(5).u32le(0);
  const Bytes certification = inner.take();
  ByteWriter tail;
  tail.zeros(128).u16le(6).u32le(static_cast<std::uint32_t>(certification.size()));
  const Bytes whole = tail.put(certification).take();
  quote.u32le(static_cast<std::uint32_t>(whole.size())).put(whole);
  attest::Attestation out;
  out.quote = quote.take();
  out.report_data = data;
  out.runtime_events = {{"app-id", app_id(), attest::EventVersion::v1}};
  out.config = "{}";
  return out;
}

struct Kms {
  // spec kms 20.1
  keys::RootKeys root{*crypto::P256Key::from_scalar(*parse_hex(
                          "b872aaae4e75557b269600ac33a15ab16da9c854049ac60bd0b0313bdc51c70c")),
                      Secret<32>{*parse_hex_array<32>(
                          "f5f94c8459cfa67d158bfa03a83eca3ea334523c5eacfda235429b2105fed3d8")}};
  crypto::P256Key temp = p256_of("spec/kms test temp-ca");

  Bytes root_der() const
  {
    return *x509::make_app_certificate(spec_of("Dstack KMS CA", "Dstack KMS CA", 1),
                                       root.ca.spki_der(), root.ca);
  }
  Bytes temp_der() const
  {
    constexpr const char* name = "Dstack Client Temp CA";
    return *x509::make_app_certificate(spec_of(name, name, 0), temp.spki_der(), temp);
  }
  codec::Json temp_ca() const
  {
    return codec::Json{}
        .set("temp_ca_cert", x509::to_pem(temp_der()))
        .set("temp_ca_key", temp.pkcs8_pem())
        .set("ca_cert", x509::to_pem(root_der()));
  }
  codec::Json app_keys() const
  {
    const auto k256 = *keys::app_k256_key(root, app_id());
    const auto signature = *keys::sign_app_key(root, app_id(), *crypto::k256_public(k256));
    return codec::Json{}
        .set("ca_cert", x509::to_pem(root_der()))
        .set("disk_crypt_key", hex(keys::disk_crypt_key(root, app_id(), Bytes(20, 0xb2))->view()))
        .set("env_crypt_key", hex(keys::env_crypt_key(root, app_id())->view()))
        .set("k256_key", hex(k256.view()))
        .set("k256_signature", hex(signature))
        .set("tproxy_app_id", "any")
        .set("gateway_app_id", "any")
        .set("os_image_hash", std::string(64, 'f'));
  }
  codec::Json meta() const
  {
    return codec::Json{}
        .set("ca_cert", x509::to_pem(root_der()))
        .set("allow_any_upgrade", false)
        .set("k256_pubkey", hex(*crypto::k256_public(root.k256)))
        .set("bootstrap_info", codec::Json{})
        .set("is_dev", false)
        .set("gateway_app_id", codec::Json{});
  }
  codec::Json env_key(std::uint64_t at) const
  {
    const auto key = crypto::x25519_public(*keys::env_crypt_key(root, app_id()));
    return codec::Json{}
        .set("public_key", hex(key))
        .set("signature", hex(*keys::sign_env_key(root, app_id(), key, std::nullopt)))
        .set("timestamp", at)
        .set("signature_v1", hex(*keys::sign_env_key(root, app_id(), key, at)));
  }
  /// What SignCert answers for a key.
  std::vector<Bytes> chain(ByteView spki,
                           std::string_view leaf_usage = attest::usage_app,
                           std::string_view ca_usage = attest::usage_app_ca,
                           const Bytes& app = app_id()) const
  {
    const auto ca = *keys::app_ca_key(root, app);
    auto spec = spec_of("Dstack App CA", "Dstack KMS CA", 0);
    spec.extensions = {attest::app_id_extension(app), attest::usage_extension(ca_usage)};
    auto leaf = spec_of("app", "Dstack App CA", std::nullopt);
    leaf.extensions = {attest::app_id_extension(app), attest::usage_extension(leaf_usage)};
    return {*x509::make_app_certificate(leaf, spki, ca),
            *x509::make_app_certificate(spec, ca.spki_der(), root.ca), root_der()};
  }
};

/// Of a server that the root vouches for.
struct ServerCertificate {
  std::string usage{attest::usage_kms};
  std::string host = "127.0.0.1";
  bool attested = true;
  bool debug = false;
  bool of_another_key = false;
};
inline Bytes server_der(const Kms& kms, const crypto::P256Key& key, const ServerCertificate& how)
{
  auto spec = spec_of(how.host, "Dstack KMS CA", std::nullopt);
  spec.alt_names = {how.host};
  if (!how.usage.empty()) spec.extensions.push_back(attest::usage_extension(how.usage));
  const Bytes bound = how.of_another_key ? p256_of("other").spki_der() : key.spki_der();
  if (how.attested)
    spec.extensions.push_back(
        attest::attestation_extension(attestation(attest::ratls_report_data(bound), how.debug)));
  return *x509::make_app_certificate(spec, key.spki_der(), kms.root.ca);
}

} // namespace dstack::kmsclient::test
