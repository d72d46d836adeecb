#include "keys/derived.hpp"

#include "crypto/ed25519.hpp"
#include "crypto/hash.hpp"
#include "crypto/k256.hpp"
#include "crypto/keccak.hpp"

#include <algorithm>

namespace dstack::keys {

namespace {

constexpr std::string_view prehashed = "secp256k1_prehashed";
constexpr std::size_t digest_size = 32;

Error unsupported()
{
  return fail(Errc::unsupported, "Unsupported algorithm");
}

Result<Bytes> public_of(const Secret<32>& key, Curve curve)
{
  if (curve == Curve::ed25519) {
    const auto point = crypto::ed25519_public(key);
    return to_bytes(ByteView{point});
  }
  const auto point = TRY(crypto::k256_public(key));
  return to_bytes(ByteView{point});
}

/// The curve to sign with, and the digest or message to sign.
struct Work {
  Curve curve = Curve::secp256k1;
  Bytes message{};
};

Result<Work> work_of(std::string_view algorithm, ByteView data)
{
  if (algorithm.empty()) return unsupported(); // unlike GetKey: here there is no default
  if (algorithm == prehashed) return Work{Curve::secp256k1, to_bytes(data)};
  const Curve curve = TRY(parse_curve(algorithm));
  if (curve == Curve::ed25519) return Work{curve, to_bytes(data)};
  const auto digest = crypto::sha256(data);
  return Work{curve, to_bytes(ByteView{digest})};
}

std::string base64url(ByteView bytes)
{
  std::string out = base64(bytes);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  out.erase(std::find(out.begin(), out.end(), '='), out.end());
  return out;
}

} // namespace

Result<Curve> parse_curve(std::string_view algorithm)
{
  if (algorithm.empty() || algorithm == "secp256k1" || algorithm == "k256") return Curve::secp256k1;
  if (algorithm == "ed25519") return Curve::ed25519;
  return unsupported();
}

std::string key_statement(std::string_view purpose, ByteView public_key)
{
  return fmt::format("{}:{}", purpose, hex(public_key));
}

Result<DerivedKey>
derive_key(const AppKeys& app, std::string_view path, std::string_view purpose, Curve curve)
{
  DerivedKey out{derive(app.k256_key.view(), {path})};
  out.public_key = TRY(public_of(out.key, curve));
  const auto digest = crypto::keccak256(as_bytes(key_statement(purpose, out.public_key)));
  const auto signature = TRY(crypto::k256_sign_recoverable(app.k256_key, digest));
  out.signature_chain = {to_bytes(ByteView{signature}), app.k256_signature};
  return out;
}

Result<Signature> sign(const AppKeys& app, std::string_view algorithm, ByteView data)
{
  const Work work = TRY(work_of(algorithm, data));
  if (algorithm == prehashed && data.size() != digest_size)
    return fail(Errc::malformed,
                "Pre-hashed signing requires a 32-byte digest, but received {} bytes", data.size());
  DerivedKey key = TRY(derive_key(app, "vms", "signing", work.curve));
  Signature out;
  if (work.curve == Curve::ed25519) {
    const auto made = crypto::ed25519_sign(key.key, work.message);
    out.signature = to_bytes(ByteView{made});
  } else {
    const auto made = TRY(crypto::k256_sign(key.key, work.message));
    out.signature = to_bytes(ByteView{made});
  }
  out.public_key = std::move(key.public_key);
  out.chain = {out.signature, key.signature_chain[0], key.signature_chain[1]};
  return out;
}

Result<bool> verify(std::string_view algorithm, const SignedData& claim)
{
  const Work work = TRY(work_of(algorithm, claim.data));
  if (work.curve == Curve::ed25519)
    return crypto::ed25519_verify(claim.public_key, work.message, claim.signature);
  if (work.message.size() == digest_size)
    return crypto::k256_verify(claim.public_key, work.message, claim.signature);
  // A digest of another size never has a valid signature, but key and signature are judged.
  static_cast<void>(
      TRY(crypto::k256_verify(claim.public_key, Bytes(digest_size), claim.signature)));
  return false;
}

std::string app_key_statement(Curve curve, ByteView public_key)
{
  const std::string_view kind = curve == Curve::ed25519 ? "ed25519-pk" : "secp256k1c-pk";
  return fmt::format("dip1::{}:{}", kind, base64url(public_key));
}

} // namespace dstack::keys
