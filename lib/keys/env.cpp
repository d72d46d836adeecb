#include "keys/env.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "crypto/aead.hpp"
#include "crypto/x25519.hpp"

#include <algorithm>

namespace dstack::keys {

using codec::Json;

namespace {

constexpr std::size_t key_size = 32;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t max_variables = 1024;
constexpr std::size_t max_name = 255;
constexpr std::size_t max_value = std::size_t{128} << 10U;
constexpr std::size_t max_total = std::size_t{1} << 20U;

bool is_name(std::string_view text)
{
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

Status check_variable(const std::string& name, const std::string& value)
{
  TRY(check_variable_name(name));
  if (value.find('\0') != std::string::npos)
    return fail(Errc::malformed, "{}: a value with a zero byte, which no environment can hold",
                name);
  if (value.size() > max_value)
    return fail(Errc::malformed, "{}: a value of {} bytes (limit {})", name, value.size(),
                max_value);
  return ok();
}

Result<Environment> parse_plain(std::string_view text)
{
  const Json root = TRY(codec::parse_json(text, {.max_bytes = max_encrypted_env}));
  const Json* list = TRY(root.need_array("env"));
  Environment out;
  for (const Json& item : list->items()) {
    std::string name = TRY(item.need_string("key"));
    if (out.contains(name)) return fail(Errc::malformed, "'{}' is there twice", printable(name));
    out[std::move(name)] = TRY(item.need_string("value"));
  }
  return out;
}

bool needs_quotes(std::string_view value)
{
  return value.find_first_of(" \t\n|&;<>()$\\`\"'") != std::string_view::npos;
}

std::string in_quotes(std::string_view value)
{
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\n')
      out += "\\n";
    else if (c == '"' || c == '$' || c == '`')
      out += std::string{'\\', c};
    else
      out += c;
  }
  return out + '"';
}

} // namespace

Status check_variable_name(std::string_view name)
{
  if (!is_name(name)) return fail(Errc::malformed, "'{}' is no variable name", printable(name));
  if (name.size() > max_name) return fail(Errc::malformed, "a name of {} bytes", name.size());
  return ok();
}

Result<EnvelopeView> read_envelope(ByteView blob)
{
  if (blob.size() > max_encrypted_env)
    return fail(Errc::malformed, "{} bytes (limit {})", blob.size(), max_encrypted_env);
  if (blob.size() < key_size + nonce_size + tag_size)
    return fail(Errc::malformed, "{} bytes (want at least {})", blob.size(),
                key_size + nonce_size + tag_size);
  ByteReader in{blob};
  EnvelopeView out;
  out.ephemeral = TRY(in.array<key_size>());
  out.nonce = TRY(in.array<nonce_size>());
  out.sealed_size = in.remaining();
  return out;
}

Result<Bytes> encrypt_env(const Environment& env,
                          ByteView recipient,
                          const std::function<void(std::span<std::uint8_t>)>& random)
{
  Json list = Json::array();
  for (const auto& [name, value] : env) {
    TRY(check_variable(name, value));
    list.push(Json{}.set("key", name).set("value", value));
  }
  Bytes plain = to_bytes(codec::write_json(Json{}.set("env", std::move(list))));
  Secret<key_size> ephemeral;
  random(ephemeral.mutable_view());
  crypto::GcmNonce nonce{};
  random(nonce);
  const Secret<key_size> shared = TRY(crypto::x25519_shared(ephemeral, recipient));
  const Bytes sealed = crypto::aes256_gcm_seal(shared, nonce, plain);
  wipe(plain);
  Bytes out = concat({crypto::x25519_public(ephemeral), nonce, sealed});
  if (out.size() > max_encrypted_env)
    return fail(Errc::malformed, "{} bytes when encrypted (limit {})", out.size(),
                max_encrypted_env);
  return out;
}

Result<Environment> decrypt_env(ByteView blob, const Secret<32>& secret)
{
  if (blob.empty()) return Environment{};
  const EnvelopeView envelope = TRY(read_envelope(blob));
  const Secret<key_size> shared = TRY(crypto::x25519_shared(secret, envelope.ephemeral));
  Bytes plain =
      TRY(crypto::aes256_gcm_open(shared, envelope.nonce, blob.last(envelope.sealed_size)));
  auto out = parse_plain(as_text(plain));
  wipe(plain);
  return out;
}

Result<FilteredEnv> filter_env(const Environment& env, const std::vector<std::string>& allowed)
{
  FilteredEnv out;
  std::size_t total = 0;
  for (const auto& [name, value] : env) {
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      out.dropped.push_back(name);
      continue;
    }
    TRY(check_variable(name, value));
    total += name.size() + value.size();
    out.kept[name] = value;
  }
  if (out.kept.size() > max_variables)
    return fail(Errc::malformed, "{} variables (limit {})", out.kept.size(), max_variables);
  if (total > max_total)
    return fail(Errc::malformed, "{} bytes of variables (limit {})", total, max_total);
  return out;
}

std::string dotenv_text(const Environment& env)
{
  std::string out;
  for (const auto& [name, value] : env)
    out += fmt::format("{}={}\n", name, needs_quotes(value) ? in_quotes(value) : value);
  return out;
}

std::string env_json(const Environment& env)
{
  Json out = Json::object();
  for (const auto& [name, value] : env)
    out.set(name, value);
  return codec::write_json(out);
}

} // namespace dstack::keys
