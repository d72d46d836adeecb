#include "proxy/tls_contexts.hpp"

#include "acme/challenge.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <mutex>
#include <openssl/core_names.h>
#include <openssl/evp.h>

namespace dstack::proxy {

namespace {

using crypto::openssl_error;
using EvpCipher = std::unique_ptr<EVP_CIPHER, crypto::FreeWith<EVP_CIPHER_free>>;

constexpr std::string_view h2_protocol = "\x02h2"; // HTTP/2, as on the wire (RFC 7301 3.1)
constexpr std::size_t ticket_name_size = 16;
/// Tickets are taken for as long again: OpenSSL's sessions last two hours.
constexpr std::int64_t ticket_key_ms = std::int64_t{12} * 3'600'000;

struct TicketKey {
  std::array<std::uint8_t, ticket_name_size> name{};
  Secret<32> aes{};
  Secret<32> hmac{};
};

TicketKey fresh_ticket_key()
{
  TicketKey out;
  crypto::random_bytes(out.name);
  crypto::random_bytes(out.aes.mutable_view());
  crypto::random_bytes(out.hmac.mutable_view());
  return out;
}

} // namespace

struct TicketKeys::State {
  EvpCipher cipher{};
  std::mutex mutex{};
  TicketKey current = fresh_ticket_key();
  std::optional<TicketKey> before{};
  std::int64_t made_ms = sys::monotonic_ms();

  TicketKey for_writing()
  {
    const std::lock_guard lock{mutex};
    const std::int64_t now = sys::monotonic_ms();
    if (now - made_ms > ticket_key_ms) {
      before = std::exchange(current, fresh_ticket_key());
      made_ms = now;
    }
    return current;
  }

  std::optional<TicketKey> for_reading(ByteView name, bool& current_one)
  {
    const std::lock_guard lock{mutex};
    current_one = equal(name, current.name);
    if (current_one) return current;
    if (before && equal(name, before->name)) return before;
    return std::nullopt;
  }
};

TicketKeys::TicketKeys(std::unique_ptr<State> state) : state_(std::move(state)) {}
TicketKeys::~TicketKeys() = default;

Result<std::unique_ptr<TicketKeys>> TicketKeys::create()
{
  auto state = std::make_unique<State>();
  state->cipher.reset(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
  if (!state->cipher) return openssl_error(Errc::internal, "AES-256-CBC");
  return std::make_unique<TicketKeys>(std::move(state));
}

namespace {

int keys_index()
{
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool use_mac_key(EVP_MAC_CTX* mac, ByteView key)
{
  std::array<char, 7> digest = {"SHA256"};
  Bytes copy = to_bytes(key);
  const std::array<OSSL_PARAM, 3> params = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, copy.data(), copy.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  const bool done = EVP_MAC_CTX_set_params(mac, params.data()) == 1;
  wipe(copy);
  return done;
}

/// OpenSSL's callback (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)): 0 is "make a full handshake", 2 is
/// "and give a new ticket", negative is an error.
int ticket_keys(SSL* ssl,
                unsigned char* name,
                unsigned char* iv,
                EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac,
                int writing)
{
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  if (keys == nullptr) return -1;
  TicketKeys::State& state = keys->state();
  if (writing == 1) {
    const TicketKey key = state.for_writing();
    std::copy(key.name.begin(), key.name.end(), name);
    crypto::random_bytes({iv, static_cast<std::size_t>(EVP_CIPHER_get_iv_length(state.cipher.get()))});
    const bool done = EVP_EncryptInit_ex2(cipher, state.cipher.get(), key.aes.view().data(), iv,
                                          nullptr) == 1 &&
                      use_mac_key(mac, key.hmac.view());
    return done ? 1 : -1;
  }
  bool current = false;
  const auto key = state.for_reading({name, ticket_name_size}, current);
  if (!key) return 0;
  const bool done = EVP_DecryptInit_ex2(cipher, state.cipher.get(), key->aes.view().data(), iv,
                                        nullptr) == 1 &&
                    use_mac_key(mac, key->hmac.view());
  if (!done) return -1;
  return current ? 1 : 2;
}

/// The name has been looked at before: nothing is refused here. Without a callback OpenSSL keeps no
/// name in sessions of TLS 1.2, and could not tell it when they are resumed.
int keep_name(SSL* /*ssl*/, int* /*alert*/, void* /*user*/)
{
  return SSL_TLSEXT_ERR_OK;
}

Result<net::SslContext>
context_for(const std::string& chain_pem, const std::string& key_pem, std::string_view identity)
{
  net::SslContext out = TRY(net::make_context(net::Side::server));
  SSL_CTX* const at = out.get();
  TRY(net::use_identity(at, chain_pem, key_pem));
  SSL_CTX_clear_options(at, SSL_OP_CLEANSE_PLAINTEXT);
  // The end of TCP without that of TLS: applications know where their data end (spec gateway 9.7).
  SSL_CTX_set_options(at, SSL_OP_IGNORE_UNEXPECTED_EOF);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as OpenSSL's macro has it.
  const auto callback = reinterpret_cast<void (*)()>(keep_name);
  SSL_CTX_callback_ctrl(at, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, callback);
  // One call writes everything: its records go into memory.
  SSL_CTX_clear_mode(at, SSL_MODE_ENABLE_PARTIAL_WRITE);
  // One call takes all records that are there: what a peer can make it do is bounded by OpenSSL.
  SSL_CTX_set_mode(at, SSL_MODE_AUTO_RETRY);
  const auto id = crypto::sha256(as_bytes(identity));
  if (SSL_CTX_set_session_id_context(at, id.data(), static_cast<unsigned>(id.size())) != 1)
    return openssl_error(Errc::internal, "TLS settings");
  return out;
}

Status use_tickets(SSL_CTX* context, TicketKeys* keys)
{
  if (keys == nullptr) return ok();
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  const bool set = SSL_CTX_set_num_tickets(context, 1) == 1 &&
                   SSL_CTX_set_ex_data(context, keys_index(), keys) == 1 &&
                   SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_keys) == 1;
  if (!set) return openssl_error(Errc::internal, "session tickets");
  return ok();
}

} // namespace

Result<std::shared_ptr<const TlsContexts::Domain>>
TlsContexts::make(const DomainCertificate& certificate, TicketKeys* keys)
{
  auto out = std::make_shared<Domain>();
  out->chain_pem = certificate.chain_pem;
  out->key_pem = SecretBytes{as_bytes(certificate.key_pem)};
  out->plain = TRY(context_for(certificate.chain_pem, certificate.key_pem, certificate.domain));
  out->h2 = TRY(context_for(certificate.chain_pem, certificate.key_pem, certificate.domain + " h2"));
  TRY(use_tickets(out->plain.get(), keys));
  TRY(use_tickets(out->h2.get(), keys));
  net::use_protocol(out->h2.get(), h2_protocol);
  return std::shared_ptr<const Domain>{std::move(out)};
}

std::shared_ptr<const TlsContexts::Domain>
TlsContexts::same_in(const Domains& domains, const DomainCertificate& certificate)
{
  const auto found = domains.find(certificate.domain);
  if (found == domains.end() || found->second->chain_pem != certificate.chain_pem ||
      !equal(found->second->key_pem.view(), as_bytes(certificate.key_pem)))
    return nullptr;
  return found->second;
}

Result<std::shared_ptr<const TlsContexts>>
TlsContexts::create(const std::vector<DomainCertificate>& certificates,
                    const std::vector<AlpnChallenge>& challenges,
                    TicketKeys* keys,
                    const TlsContexts* before)
{
  static const std::string acme_protocol =
      static_cast<char>(acme::tls_alpn_protocol.size()) + std::string{acme::tls_alpn_protocol};
  static const std::string_view acme_view = acme_protocol;
  auto out = std::make_shared<TlsContexts>();
  for (const DomainCertificate& one : certificates) {
    std::shared_ptr<const Domain> made;
    if (before != nullptr) made = same_in(before->domains_, one);
    if (before != nullptr && !made) made = same_in(before->itself_, one);
    if (!made) made = TRY(make(one, keys).within("certificate for {}", one.domain));
    if (one.below) out->domains_[one.domain] = made;
    if (one.itself) out->itself_[one.domain] = made;
  }
  for (const AlpnChallenge& one : challenges) {
    net::SslContext context = TRY(context_for(one.certificate_pem, one.key_pem, one.name + " acme")
                                      .within("challenge for {}", one.name));
    net::use_protocol(context.get(), acme_view);
    out->challenges_[one.name] = std::move(context);
  }
  return std::shared_ptr<const TlsContexts>{std::move(out)};
}

SSL_CTX* TlsContexts::find(std::string_view domain, route::Mode mode) const
{
  const auto found = domains_.find(domain);
  if (found == domains_.end()) return nullptr;
  return mode == route::Mode::terminate_h2 ? found->second->h2.get() : found->second->plain.get();
}

SSL_CTX* TlsContexts::find_itself(std::string_view name) const
{
  const auto found = itself_.find(name);
  return found == itself_.end() ? nullptr : found->second->plain.get();
}

SSL_CTX* TlsContexts::find_challenge(std::string_view name) const
{
  const auto found = challenges_.find(name);
  return found == challenges_.end() ? nullptr : found->second.get();
}

} // namespace dstack::proxy
