#include "cluster/seal.hpp"

#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "crypto/xchacha.hpp"

#include <algorithm>

namespace dstack::cluster {

namespace {

constexpr std::string_view all_kinds = "mnuoipkadectsxyl";
constexpr std::size_t name_bytes = 16;
constexpr std::uint8_t version = 1;
constexpr std::size_t head_size = 1 + std::tuple_size_v<crypto::XchachaNonce>;

Secret<32> derived(const SecretBytes& secret, std::string_view purpose)
{
  Secret<32> out;
  SecretBytes raw{crypto::hkdf_sha256(secret.view(), as_bytes("dstack gateway cluster v1"),
                                      as_bytes(purpose), out.view().size())};
  std::copy(raw.view().begin(), raw.view().end(), out.mutable_view().begin());
  return out;
}

bool is_lower_hex(std::string_view text)
{
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

Seal::Seal(const SecretBytes& secret, std::string_view prefix)
    : prefix_(fmt::format("{}/1/", prefix)), naming_(derived(secret, "names")),
      sealing_(derived(secret, "values"))
{
  DSTACK_ASSERT(secret.size() >= least_secret);
}

std::string Seal::key(Kind kind, std::string_view name) const
{
  const char letter = static_cast<char>(kind);
  const auto mac =
      crypto::hmac_sha256(naming_.view(), concat({as_bytes({&letter, 1}), as_bytes(name)}));
  return fmt::format("{}{}/{}", prefix_, letter, hex(ByteView{mac}.first(name_bytes)));
}

std::optional<Kind> Seal::kind_of(std::string_view key) const
{
  if (!key.starts_with(prefix_)) return std::nullopt;
  key.remove_prefix(prefix_.size());
  if (key.size() != 2 + 2 * name_bytes || key[1] != '/' || !is_lower_hex(key.substr(2)))
    return std::nullopt;
  if (all_kinds.find(key[0]) == std::string_view::npos) return std::nullopt;
  return static_cast<Kind>(key[0]);
}

Result<Bytes> Seal::close(std::string_view key, ByteView plain) const
{
  if (plain.size() > max_plain)
    return fail(Errc::unsupported, "{} bytes to share (at most {})", plain.size(), max_plain);
  crypto::XchachaNonce nonce{};
  crypto::random_bytes(nonce);
  const std::array<std::uint8_t, 1> head{version};
  const Bytes sealed = crypto::xchacha_seal(sealing_, nonce, as_bytes(key), plain);
  return concat({head, nonce, sealed});
}

Result<SecretBytes> Seal::open(std::string_view key, ByteView sealed) const
{
  if (sealed.size() > max_plain + head_size + crypto::xchacha_tag_size)
    return fail(Errc::untrusted, "a value of {} bytes", sealed.size());
  ByteReader in{sealed};
  const auto found = in.u8();
  const auto nonce = in.array<std::tuple_size_v<crypto::XchachaNonce>>();
  if (!found || *found != version || !nonce)
    return fail(Errc::untrusted, "no value that a node of this gateway sealed");
  return crypto::xchacha_open(sealing_, *nonce, as_bytes(key), in.rest())
      .within("not sealed by a node of this gateway, or for another key");
}

} // namespace dstack::cluster
