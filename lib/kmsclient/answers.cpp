#include "kmsclient/answers.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "x509/app_chain.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"

#include <algorithm>

namespace dstack::kmsclient {

using codec::Json;

namespace {

constexpr codec::JsonLimits limits{max_answer, 8, 1024};
constexpr std::size_t p256_spki = 91;
constexpr std::size_t hash_size = 32;
constexpr std::size_t max_gateway_id = 256;
constexpr std::size_t max_reason = 1000;

/// Overwrites a text that held secrets when it goes.
class Wiped {
public:
  explicit Wiped(std::string& text) : text_(text) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped()
  {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): char as bytes.
    wipe({reinterpret_cast<std::uint8_t*>(text_.data()), text_.size()});
  }

private:
  std::string& text_;
};

Result<KnownCertificate> certificate(std::string_view pem)
{
  KnownCertificate out;
  out.der = TRY(x509::first_certificate(as_bytes(pem)));
  out.spki = TRY(x509::read_certificate(out.der)).spki;
  if (out.spki.size() != p256_spki) return fail(Errc::malformed, "its key is none of P-256");
  return out;
}

Result<KnownCertificate> certificate(const Json& object, std::string_view key)
{
  return certificate(TRY(object.need_string(key))).within("{}", key);
}

template <std::size_t N>
Result<std::array<std::uint8_t, N>> fixed(const Json& object, std::string_view key)
{
  return parse_hex_array<N>(TRY(object.need_string(key))).within("{}", key);
}

/// The member is overwritten in the tree, too.
Result<Secret<32>> secret(Json& object, std::string_view key)
{
  auto& members = object.members();
  const auto at = std::find_if(members.begin(), members.end(),
                               [key](const auto& member) { return member.first == key; });
  if (at == members.end() || !at->second.is_string())
    return fail(Errc::malformed, "{} is missing", key);
  std::string text = at->second.text();
  const Wiped clean{text};
  at->second = Json{std::string(text.size(), '0')};
  Bytes raw = TRY(parse_hex(text).within("{}", key));
  Secret<32> out;
  const bool fits = raw.size() == out.view().size();
  if (fits) std::copy(raw.begin(), raw.end(), out.mutable_view().begin());
  wipe(raw);
  if (!fits) return fail(Errc::malformed, "{} of {} bytes (want 32)", key, raw.size());
  return out;
}

Result<Json> object_of(std::string_view body, const codec::JsonLimits& bounds = limits)
{
  Json out = TRY(codec::parse_json(body, bounds));
  if (!out.is_object()) return fail(Errc::malformed, "the answer is no object");
  return out;
}

Result<std::string> gateway_of(const Json& root)
{
  std::string out = TRY(root.get_string("gateway_app_id", ""));
  if (out.empty()) out = TRY(root.get_string("tproxy_app_id", ""));
  if (out.size() > max_gateway_id)
    return fail(Errc::malformed, "gateway_app_id of {} bytes", out.size());
  return out;
}

/// Field 1 of a protobuf message that holds nothing but a text; nothing when it is none.
std::optional<std::string_view> protobuf_text(std::string_view body)
{
  constexpr char text_field = 0x0a;
  if (body.size() < 2 || body[0] != text_field) return std::nullopt;
  std::size_t size = 0;
  std::size_t at = 1;
  for (unsigned shift = 0; shift < 21 && at < body.size(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(body[at++]);
    size |= std::size_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0)
      return size == body.size() - at ? std::optional{body.substr(at)} : std::nullopt;
  }
  return std::nullopt;
}

/// At most max_reason bytes, cut between characters, safe to print.
std::string bounded(std::string_view text)
{
  std::string out{text.substr(0, max_reason)};
  constexpr std::uint8_t continuation = 0x80;
  if (out.size() < text.size())
    while (!out.empty() && (static_cast<std::uint8_t>(text[out.size()]) & 0xc0U) == continuation)
      out.pop_back();
  return printable(out);
}

} // namespace

Result<TempCa> parse_temp_ca(std::string body)
{
  const Json root = TRY(object_of(body));
  const auto ca = TRY(certificate(root, "ca_cert"));
  const auto temp = TRY(certificate(root, "temp_ca_cert"));
  const std::string pem = TRY(root.need_string("temp_ca_key"));
  const Bytes der = TRY(x509::one_pem_block(pem, "PRIVATE KEY").within("temp_ca_key"));
  auto key = TRY(crypto::P256Key::from_pkcs8_der(der).within("temp_ca_key"));
  if (!equal(key.spki_der(), temp.spki))
    return fail(Errc::malformed, "CA certificate does not match private key");
  return TempCa{ca, temp, std::move(key)};
}

Result<AppKeyAnswer> parse_app_keys(std::string body)
{
  const Wiped clean{body};
  Json root = TRY(object_of(body));
  AppKeyAnswer out;
  // Secrets first: what is left of the tree when something is wrong holds none.
  auto disk = secret(root, "disk_crypt_key");
  auto env = secret(root, "env_crypt_key");
  auto k256 = secret(root, "k256_key");
  out.disk_crypt_key = TRY(std::move(disk));
  out.env_crypt_key = TRY(std::move(env));
  out.k256_key = TRY(std::move(k256));
  out.root = TRY(certificate(root, "ca_cert"));
  out.k256_signature = TRY(fixed<65>(root, "k256_signature"));
  out.gateway_app_id = TRY(gateway_of(root));
  out.os_image_hash =
      TRY(parse_hex(TRY(root.need_string("os_image_hash"))).within("os_image_hash"));
  if (out.os_image_hash.size() != hash_size)
    return fail(Errc::malformed, "os_image_hash of {} bytes (want {})", out.os_image_hash.size(),
                hash_size);
  const std::uint64_t epoch = TRY(root.get_u64("epoch", 0));
  if (epoch > UINT32_MAX) return fail(Errc::malformed, "epoch {}", epoch);
  out.epoch = static_cast<std::uint32_t>(epoch);
  return out;
}

Result<std::vector<Bytes>> parse_chain(std::string_view body)
{
  const Json root = TRY(object_of(body, {max_chain_answer, 8, 1024}));
  const auto texts = TRY(root.get_strings("certificate_chain"));
  if (texts.size() < 2 || texts.size() > x509::max_app_chain)
    return fail(Errc::malformed, "certificate_chain of {} certificates (want 2 to {})",
                texts.size(), x509::max_app_chain);
  std::vector<Bytes> out;
  for (const std::string& pem : texts)
    out.push_back(TRY(x509::first_certificate(as_bytes(pem)).within("certificate_chain")));
  return out;
}

Result<Meta> parse_meta(std::string_view body)
{
  const Json root = TRY(object_of(body));
  Meta out;
  out.root = TRY(certificate(root, "ca_cert"));
  out.k256 = TRY(fixed<33>(root, "k256_pubkey"));
  out.is_dev = TRY(root.get_bool("is_dev", false));
  out.gateway_app_id = TRY(gateway_of(root));
  return out;
}

Result<EnvKey> parse_env_key(std::string_view body)
{
  const Json root = TRY(object_of(body));
  EnvKey out;
  out.key = TRY(fixed<32>(root, "public_key"));
  out.timestamp = TRY(root.need_u64("timestamp"));
  out.signature = TRY(fixed<65>(root, "signature_v1"));
  return out;
}

std::string refusal_of(const http::Response& response)
{
  const auto json = codec::parse_json(response.body, limits);
  const Json* error = json ? json->find("error") : nullptr;
  if (error != nullptr && error->is_string() && !error->text().empty())
    return bounded(error->text());
  if (const auto text = protobuf_text(response.body); text && !text->empty()) return bounded(*text);
  return fmt::format("HTTP status {}", response.status);
}

} // namespace dstack::kmsclient
