#include "vault/share_file.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "crypto/xchacha.hpp"
#include "vault/members.hpp"

#include <algorithm>

namespace dstack::vault {

namespace {

using codec::Json;

constexpr std::string_view open_key = "\"share\"";

/// Everything but the scalar.
Json head_of(const CustodianShare& share, Protection protection)
{
  Json out;
  out.set("schema", share_schema).set("cluster", hex(share.cluster));
  out.set("index", unsigned{share.share.index});
  return set_circle(out, share.circle).set("protection", name_of(protection));
}

/// What an encrypted scalar is bound to: it cannot be moved under another head.
Bytes context_of(const ClusterId& cluster, unsigned index, const Circle& circle)
{
  Custody custody;
  custody.provider = Provider::quorum;
  custody.circle = circle;
  const Bytes about = context_of(custody);
  return ByteWriter{}
      .text(share_schema)
      .u8(0)
      .put(cluster)
      .u8(static_cast<std::uint8_t>(index))
      .put(about)
      .take();
}

bool is_blank(std::uint8_t c)
{
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/// The digits of an open share in the file's text, or nothing. They are taken out before the text
/// is parsed, so that no copy of them stays behind in strings.
std::span<std::uint8_t> find_digits(std::span<std::uint8_t> text)
{
  const std::size_t at = as_text(text).find(open_key);
  if (at == std::string_view::npos) return {};
  auto rest = text.subspan(at + open_key.size());
  const auto skip = [&](auto skipped) {
    while (!rest.empty() && skipped(rest.front()))
      rest = rest.subspan(1);
  };
  skip(is_blank);
  if (rest.empty() || rest.front() != ':') return {};
  rest = rest.subspan(1);
  skip(is_blank);
  constexpr std::size_t digits = 2 * scalar_size;
  if (rest.size() < digits + 2 || rest.front() != '"' || rest[digits + 1] != '"') return {};
  return rest.subspan(1, digits);
}

Result<std::uint8_t> nibble(std::uint8_t digit)
{
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  return fail(Errc::malformed, "'share' is not hex");
}

Result<Secret<scalar_size>> scalar_of(ByteView digits)
{
  if (digits.size() != 2 * scalar_size) return fail(Errc::malformed, "'share' is not hex");
  Secret<scalar_size> out;
  for (std::size_t i = 0; i < scalar_size; ++i) {
    const std::uint8_t high = TRY(nibble(digits[2 * i]));
    const std::uint8_t low = TRY(nibble(digits[2 * i + 1]));
    out.mutable_view()[i] = static_cast<std::uint8_t>(high << 4U | low);
  }
  return out;
}

void append_hex(SecretBytes& to, ByteView bytes)
{
  constexpr std::string_view digits = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    const std::array<std::uint8_t, 2> pair = {static_cast<std::uint8_t>(digits[byte >> 4U]),
                                              static_cast<std::uint8_t>(digits[byte & 15U])};
    to.append(pair);
  }
}

Result<Protection> read_protection(const Json& json)
{
  const std::string name = TRY(json.need_string("protection"));
  for (const Protection one : {Protection::none, Protection::passphrase, Protection::box})
    if (name == name_of(one)) return one;
  return fail(Errc::unsupported, "protection '{}'", printable(name));
}

Status check_members(const Json& json, Protection protection)
{
  switch (protection) {
  case Protection::none:
    return only_members(json, {"schema", "cluster", "index", "threshold", "custodians",
                               "commitments", "protection", "share"});
  case Protection::passphrase:
    return only_members(json, {"schema", "cluster", "index", "threshold", "custodians",
                               "commitments", "protection", "kdf", "nonce", "sealed"});
  case Protection::box:
    return only_members(json, {"schema", "cluster", "index", "threshold", "custodians",
                               "commitments", "protection", "to", "sealed"});
  }
  bug("protection");
}

Result<ShareView> head_from(const Json& json)
{
  TRY(need_schema(json, share_schema));
  ShareView out;
  out.protection = TRY(read_protection(json));
  TRY(check_members(json, out.protection));
  out.cluster = TRY(need_hex_array<32>(json, "cluster"));
  out.circle = TRY(read_circle(json));
  const std::uint64_t index = TRY(json.need_u64("index"));
  if (index < 1 || index > out.circle.custodians.size())
    return fail(Errc::malformed, "index {} of {} custodians", index, out.circle.custodians.size());
  out.index = static_cast<std::uint8_t>(index);
  if (out.protection == Protection::box) out.to = TRY(need_hex_array<32>(json, "to"));
  return out;
}

struct Parsed {
  Json json{};
  Secret<scalar_size> open{}; ///< of Protection::none
};

Result<Parsed> parse(ByteView file)
{
  if (file.size() > max_share_file)
    return fail(Errc::malformed, "{} bytes (limit {})", file.size(), max_share_file);
  SecretBytes text{file};
  Parsed out;
  const auto digits = find_digits(text.mutable_view());
  if (!digits.empty()) {
    out.open = TRY(scalar_of(digits));
    std::fill(digits.begin(), digits.end(), std::uint8_t{'0'});
  }
  out.json = TRY(codec::parse_json(as_text(text.view())));
  const Json* share = out.json.find("share");
  const std::string taken(2 * scalar_size, '0');
  if (share != nullptr && (digits.empty() || !share->is_string() || share->text() != taken))
    return fail(Errc::malformed, "'share' is not {} hex digits", 2 * scalar_size);
  return out;
}

Result<Secret<scalar_size>> under_passphrase(const Json& json, const ShareView& head, ShareKey key)
{
  if (key.passphrase == nullptr)
    return fail(Errc::denied, "the share of custodian {} is under a passphrase",
                head.circle.describe(head.index));
  const Kdf kdf = TRY(read_kdf(json));
  const auto nonce = TRY(need_hex_array<std::tuple_size_v<crypto::XchachaNonce>>(json, "nonce"));
  const Bytes sealed = TRY(need_hex(json, "sealed"));
  const Secret<32> derived = TRY(crypto::argon2id(key.passphrase->view(), kdf.salt, kdf.cost));
  const auto raw = crypto::xchacha_open(derived, nonce,
                                        context_of(head.cluster, head.index, head.circle), sealed);
  if (!raw || raw->size() != scalar_size)
    return fail(Errc::untrusted, "wrong passphrase for the share of custodian {}",
                head.circle.describe(head.index));
  Secret<scalar_size> out;
  std::copy(raw->view().begin(), raw->view().end(), out.mutable_view().begin());
  return out;
}

Result<Secret<scalar_size>> from_box(const Json& json, const ShareView& head, ShareKey key)
{
  const Bytes sealed = TRY(need_hex(json, "sealed"));
  if (key.box == nullptr)
    return fail(Errc::denied, "the share of custodian {} is sealed to the key {}",
                head.circle.describe(head.index), hex(head.to));
  return key.box->open(sealed).within("share of custodian {}", head.circle.describe(head.index));
}

Result<Secret<scalar_size>> secret_of(const Parsed& parsed, const ShareView& head, ShareKey key)
{
  switch (head.protection) {
  case Protection::none:
    if (parsed.json.find("share") == nullptr) return fail(Errc::malformed, "'share' is missing");
    return parsed.open;
  case Protection::passphrase:
    return under_passphrase(parsed.json, head, key);
  case Protection::box:
    return from_box(parsed.json, head, key);
  }
  bug("protection");
}

} // namespace

std::string_view name_of(Protection protection)
{
  switch (protection) {
  case Protection::none:
    return "none";
  case Protection::passphrase:
    return "passphrase";
  case Protection::box:
    return "box";
  }
  bug("protection");
}

SecretBytes write_share(const CustodianShare& share)
{
  Bytes head = document_text(head_of(share, Protection::none));
  head.resize(head.size() - std::string_view{"\n}\n"}.size());
  SecretBytes out{std::move(head)};
  out.append(as_bytes(",\n  \"share\": \""));
  append_hex(out, share.share.value.view());
  out.append(as_bytes("\"\n}\n"));
  return out;
}

Result<Bytes> write_share(const CustodianShare& share,
                          const SecretBytes& passphrase,
                          const crypto::PassphraseCost& cost)
{
  Kdf kdf;
  kdf.cost = cost;
  crypto::random_bytes(kdf.salt);
  crypto::XchachaNonce nonce{};
  crypto::random_bytes(nonce);
  const Secret<32> key = TRY(crypto::argon2id(passphrase.view(), kdf.salt, cost));
  const Bytes context = context_of(share.cluster, share.share.index, share.circle);
  Json out = head_of(share, Protection::passphrase);
  out.set("kdf", to_json(kdf)).set("nonce", hex(nonce));
  out.set("sealed", hex(crypto::xchacha_seal(key, nonce, context, share.share.value.view())));
  return document_text(out);
}

Result<Bytes> write_share(const CustodianShare& share, const crypto::BoxPublic& to)
{
  Secret<scalar_size> scalar;
  const ByteView value = share.share.value.view();
  std::copy(value.begin(), value.end(), scalar.mutable_view().begin());
  Json out = head_of(share, Protection::box);
  out.set("to", hex(to)).set("sealed", hex(TRY(crypto::seal_key(to, scalar))));
  return document_text(out);
}

Result<ShareView> view_share(ByteView file)
{
  return head_from(TRY(parse(file)).json);
}

Result<CustodianShare> read_share(ByteView file, const ShareKey& key)
{
  const Parsed parsed = TRY(parse(file));
  const ShareView head = TRY(head_from(parsed.json));
  CustodianShare out{head.cluster, head.circle, {head.index, {}}};
  const Secret<scalar_size> raw = TRY(secret_of(parsed, head, key));
  auto scalar = crypto::RistrettoScalar::from_bytes(raw.view());
  if (!scalar)
    return fail(Errc::untrusted,
                "the share of custodian {} does not fit what the dealer committed to",
                head.circle.describe(head.index));
  out.share.value = *std::move(scalar);
  TRY(check_share(out));
  return out;
}

std::string share_file_name(const ClusterId& cluster, std::string_view custodian)
{
  constexpr std::size_t digits = 16;
  return fmt::format("{}-{}.json", hex(cluster).substr(0, digits), custodian);
}

} // namespace dstack::vault
