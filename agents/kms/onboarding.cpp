#include "agents/kms/onboarding.hpp"

#include "x509/p256_certificate.hpp"

#include <algorithm>

namespace dstack::kmsnode {

using codec::Json;

namespace {

/// Longer than any that is published, so that a peer cannot make us hold much.
constexpr std::size_t max_epochs = vault::max_epochs;

Result<crypto::P256Key> key_from_pem(const Json& in, std::string_view name)
{
  const std::string pem = TRY(in.need_string(name));
  Bytes der = TRY(x509::one_pem_block(pem, "PRIVATE KEY").within("{}", name));
  auto key = crypto::P256Key::from_pkcs8_der(der);
  wipe(der);
  return std::move(key).within("{}", name);
}

Result<Secret<32>> secret_from_hex(const Json& in, std::string_view name)
{
  auto raw = TRY(parse_hex_array<32>(TRY(in.need_string(name))).within("{}", name));
  Secret<32> out{raw};
  wipe(raw);
  return out;
}

Result<std::vector<vault::EpochSecret>> epochs_of(const Json& answer)
{
  std::vector<vault::EpochSecret> out;
  const Json* list = answer.find("epochs");
  if (list == nullptr || list->is_null()) return out;
  if (!list->is_array() || list->items().size() > max_epochs)
    return fail(Errc::malformed, "epochs: not a list of at most {}", max_epochs);
  for (const Json& one : list->items()) {
    const std::uint64_t number = TRY(one.need_u64("epoch"));
    if (number != out.size() + 1)
      return fail(Errc::malformed, "epochs: {} comes after {}", number, out.size());
    const std::uint64_t created = TRY(one.get_u64("created_at", 0));
    const Secret<32> seed = TRY(secret_from_hex(one, "seed"));
    out.push_back(TRY(vault::make_epoch(static_cast<std::uint32_t>(number), seed,
                                        static_cast<std::int64_t>(created & INT64_MAX))));
  }
  return out;
}

Status same(bool good, std::string_view what, std::string_view where)
{
  if (good) return ok();
  return fail(Errc::untrusted, "{} is not the key of {}: the source is not what it says", what,
              where);
}

} // namespace

Result<vault::RootMaterial> root_from_answer(std::string body,
                                             const kmsclient::TempCa& authorities,
                                             const crypto::K256Public& k256)
{
  const Json answer = TRY(codec::parse_json(body));
  const Json& keys = *TRY(answer.need_array("keys"));
  if (keys.items().size() != 1) return fail(Errc::malformed, "Invalid keys");
  vault::RootMaterial out{{TRY(key_from_pem(keys.items()[0], "ca_key")),
                           TRY(secret_from_hex(keys.items()[0], "k256_key"))},
                          TRY(key_from_pem(answer, "temp_ca_key")),
                          TRY(epochs_of(answer))};
  TRY(same(equal(out.root.ca.spki_der(), authorities.root.spki), "ca_key", "its root certificate"));
  TRY(same(TRY(crypto::k256_public(out.root.k256)) == k256, "k256_key", "its GetMeta"));
  TRY(same(equal(out.temp_ca.spki_der(), authorities.certificate.spki), "temp_ca_key",
           "its temporary CA"));
  return out;
}

Result<vault::RootMaterial> fetch_root(PeerLink& peer, const std::string& vm_config)
{
  const auto meta =
      TRY(kmsclient::parse_meta(TRY(peer.call("GetMeta", Json::object()))).within("GetMeta"));
  if (!equal(meta.root.spki, peer.authorities().root.spki))
    return fail(Errc::untrusted, "GetMeta: ca_cert is of another root than GetTempCaCert's");
  std::string body = TRY(peer.call("GetKmsKey", Json{}.set("vm_config", vm_config)));
  return root_from_answer(std::move(body), peer.authorities(), meta.k256).within("GetKmsKey");
}

} // namespace dstack::kmsnode
