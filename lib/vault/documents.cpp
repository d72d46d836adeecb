#include "vault/documents.hpp"

#include "base/calendar.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "crypto/xchacha.hpp"
#include "kms/certificates.hpp"
#include "vault/members.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"

#include <algorithm>

namespace dstack::vault {

namespace {

using codec::Json;

constexpr std::string_view public_schema = "dstack.kms.public/1";
constexpr std::string_view sealed_schema = "dstack.kms.sealed/1";

std::string utc(std::int64_t seconds)
{
  return format_utc(Time{seconds * 1000});
}

Result<Json> document(ByteView text, std::string_view schema)
{
  if (text.size() > max_document)
    return fail(Errc::malformed, "{} bytes (limit {})", text.size(), max_document);
  Json out = TRY(codec::parse_json(as_text(text)));
  TRY(need_schema(out, schema));
  return out;
}

Result<Bytes> need_certificate(const Json& json, std::string_view key)
{
  const std::string pem = TRY(json.need_string(key));
  auto all = TRY(x509::certificates_of_pem(pem, 1).within("'{}'", key));
  static_cast<void>(TRY(x509::read_certificate(all.front()).within("'{}'", key)));
  return std::move(all.front());
}

Result<std::vector<EpochInfo>> read_epochs(const Json& json)
{
  std::vector<EpochInfo> out;
  const Json& all = *TRY(json.need_array("epochs"));
  for (const Json& one : all.items()) {
    TRY(only_members(one, {"epoch", "created_at"}).within("'epochs'"));
    const std::uint64_t epoch = TRY(one.need_u64("epoch"));
    if (epoch != out.size() || epoch > max_epochs)
      return fail(Errc::malformed, "'epochs': {} where {} was expected", epoch, out.size());
    const std::string created = TRY(one.need_string("created_at"));
    const std::int64_t at = TRY(parse_utc(created).within("'epochs'"));
    out.push_back({static_cast<std::uint32_t>(epoch), at});
  }
  if (out.empty()) return fail(Errc::malformed, "'epochs': epoch 0 is missing");
  return out;
}

Status check_parts(const PublicRoot& root)
{
  if (root.cluster != cluster_id_of(root.ca_spki))
    return fail(Errc::malformed, "'cluster' is not the hash of 'ca_spki'");
  const auto certificate = TRY(x509::read_certificate(root.root_ca));
  if (certificate.spki != root.ca_spki)
    return fail(Errc::malformed, "'root_ca' is not the certificate of 'ca_spki'");
  return ok();
}

/// What the ciphertext is bound to.
Bytes context_of(const ClusterId& cluster, const Custody& custody)
{
  return concat({as_bytes(sealed_schema), Bytes{0}, cluster, context_of(custody)});
}

} // namespace

Result<PublicRoot> public_root_of(const RootMaterial& material, std::int64_t now)
{
  PublicRoot out;
  out.ca_spki = material.root.ca.spki_der();
  out.cluster = cluster_id_of(out.ca_spki);
  out.k256 = TRY(crypto::k256_public(material.root.k256));
  out.root_ca = TRY(kms::root_ca_certificate(material.root.ca, now));
  out.temp_ca = TRY(kms::temp_ca_certificate(material.temp_ca, now));
  out.epochs.push_back({0, material.created_at});
  for (const EpochSecret& one : material.epochs)
    out.epochs.push_back({one.epoch, one.created_at});
  return out;
}

Bytes write_public(const PublicRoot& root)
{
  Json epochs = Json::array();
  for (const EpochInfo& one : root.epochs)
    epochs.push(Json::object().set("epoch", one.epoch).set("created_at", utc(one.created_at)));
  return document_text(Json::object()
                           .set("schema", public_schema)
                           .set("cluster", hex(root.cluster))
                           .set("ca_spki", hex(root.ca_spki))
                           .set("k256_public", hex(root.k256))
                           .set("root_ca", x509::to_pem(root.root_ca))
                           .set("temp_ca", x509::to_pem(root.temp_ca))
                           .set("epochs", std::move(epochs)));
}

Result<PublicRoot> read_public(ByteView text)
{
  const Json json = TRY(document(text, public_schema));
  TRY(only_members(
      json, {"schema", "cluster", "ca_spki", "k256_public", "root_ca", "temp_ca", "epochs"}));
  PublicRoot out;
  out.cluster = TRY(need_hex_array<32>(json, "cluster"));
  out.ca_spki = TRY(need_hex(json, "ca_spki"));
  out.k256 = TRY(need_hex_array<std::tuple_size_v<crypto::K256Public>>(json, "k256_public"));
  out.root_ca = TRY(need_certificate(json, "root_ca"));
  out.temp_ca = TRY(need_certificate(json, "temp_ca"));
  out.epochs = TRY(read_epochs(json));
  TRY(check_parts(out));
  return out;
}

Bytes write_sealed(const SealedRoot& root)
{
  return document_text(Json::object()
                           .set("schema", sealed_schema)
                           .set("cluster", hex(root.cluster))
                           .set("custody", to_json(root.custody))
                           .set("nonce", hex(root.nonce))
                           .set("sealed", hex(root.sealed)));
}

Result<SealedRoot> read_sealed(ByteView text)
{
  const Json json = TRY(document(text, sealed_schema));
  TRY(only_members(json, {"schema", "cluster", "custody", "nonce", "sealed"}));
  SealedRoot out;
  out.cluster = TRY(need_hex_array<32>(json, "cluster"));
  const Json* custody = TRY(json.need_object("custody"));
  out.custody = TRY(custody_from_json(*custody).within("'custody'"));
  out.nonce = TRY(need_hex_array<24>(json, "nonce"));
  out.sealed = TRY(need_hex(json, "sealed"));
  return out;
}

SealedRoot seal_root(const RootMaterial& material, const Custody& custody, const Secret<32>& key)
{
  SealedRoot out;
  out.cluster = cluster_id_of(material.root.ca.spki_der());
  out.custody = custody;
  crypto::random_bytes(out.nonce);
  out.sealed = crypto::xchacha_seal(key, out.nonce, context_of(out.cluster, custody),
                                    encode(material).view());
  return out;
}

Result<RootMaterial> unseal_root(const SealedRoot& root, const Secret<32>& key)
{
  const SecretBytes raw = TRY(
      crypto::xchacha_open(key, root.nonce, context_of(root.cluster, root.custody), root.sealed));
  RootMaterial out = TRY(decode_root(raw.view()));
  if (cluster_id_of(out.root.ca.spki_der()) != root.cluster)
    return fail(Errc::untrusted, "what is sealed is the root of another cluster");
  return out;
}

Secret<32> quorum_key(const crypto::RistrettoScalar& scalar, const ClusterId& cluster)
{
  const SecretBytes raw{
      crypto::hkdf_sha256(scalar.view(), as_bytes("dstack-kms-quorum"), cluster, 32)};
  Secret<32> out;
  std::copy(raw.view().begin(), raw.view().end(), out.mutable_view().begin());
  return out;
}

} // namespace dstack::vault
