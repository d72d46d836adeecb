#include "net/tls_openssl.hpp"

#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <vector>

namespace dstack::net {

namespace {

using crypto::openssl_error;
using MemoryBio = std::unique_ptr<BIO, crypto::FreeWith<BIO_free>>;

constexpr std::size_t max_pem = std::size_t{1} << 20U;
constexpr std::size_t max_chain = 10;

// One suite for each key type and hash that is in use today: no RSA key exchange, no CBC, no DSA,
// no SHA-1.
constexpr const char* suites_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr const char* signatures = "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ed25519:"
                                   "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:RSA+SHA256:RSA+SHA384";

/// Nobody is asked for the password of an encrypted key.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/)
{
  return -1;
}

Result<MemoryBio> memory(const std::string& pem)
{
  if (pem.size() > max_pem)
    return fail(Errc::malformed, "PEM text of {} bytes (limit {})", pem.size(), max_pem);
  MemoryBio out{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  if (!out) return openssl_error(Errc::internal, "BIO_new_mem_buf");
  return out;
}

bool no_more_blocks()
{
  const unsigned long last = ERR_peek_last_error();
  return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

Result<std::vector<crypto::X509Certificate>> certificates_of(const std::string& pem)
{
  const MemoryBio in = TRY(memory(pem));
  std::vector<crypto::X509Certificate> out;
  ERR_clear_error();
  while (true) {
    crypto::X509Certificate one{PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr)};
    if (!one && no_more_blocks()) break;
    if (!one) return openssl_error(Errc::malformed, "certificate in PEM");
    if (out.size() == max_chain)
      return fail(Errc::malformed, "more than {} certificates", max_chain);
    out.push_back(std::move(one));
  }
  ERR_clear_error();
  if (out.empty()) return fail(Errc::malformed, "no certificate in PEM");
  return out;
}

Result<crypto::Pkey> private_key_of(const std::string& pem)
{
  const MemoryBio in = TRY(memory(pem));
  ERR_clear_error();
  crypto::Pkey key{PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr)};
  if (!key) return openssl_error(Errc::malformed, "private key in PEM");
  return key;
}

int choose_protocol(SSL* /*ssl*/,
                    const unsigned char** out,
                    unsigned char* out_size,
                    const unsigned char* offered,
                    unsigned int offered_size,
                    void* user)
{
  const ByteView ours = as_bytes(*static_cast<const std::string_view*>(user));
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(
      &chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()), offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

} // namespace

Result<SslContext> make_context(Side side)
{
  SslContext context{SSL_CTX_new(side == Side::server ? TLS_server_method() : TLS_client_method())};
  if (!context) return openssl_error(Errc::internal, "SSL_CTX_new");
  SSL_CTX* const at = context.get();
  // Whatever this machine's openssl.cnf says.
  SSL_CTX_set_security_level(at, 2);
  const bool set =
      SSL_CTX_set_min_proto_version(at, TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(at, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(at, suites_1_2) == 1 && SSL_CTX_set1_groups_list(at, groups) == 1 &&
      SSL_CTX_set1_sigalgs_list(at, signatures) == 1 &&
      SSL_CTX_set1_client_sigalgs_list(at, signatures) == 1 && SSL_CTX_set_num_tickets(at, 0) == 1;
  if (!set) return openssl_error(Errc::internal, "TLS settings");
  // Every connection shows its certificates anew: none is resumed.
  SSL_CTX_set_session_cache_mode(at, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(at, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                              SSL_OP_CLEANSE_PLAINTEXT);
  // Without AUTO_RETRY a call returns after a record that holds no data of the application: a peer
  // that sends only those does not keep us in it.
  SSL_CTX_clear_mode(at, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_mode(at, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                           SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_cert_list(at, static_cast<long>(max_peer_certificates));
  return context;
}

Status use_identity(SSL_CTX* context, const std::string& chain_pem, const std::string& key_pem)
{
  const auto chain = TRY(certificates_of(chain_pem));
  const crypto::Pkey key = TRY(private_key_of(key_pem));
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    return openssl_error(Errc::malformed, "certificate");
  for (std::size_t i = 1; i < chain.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1)
      return openssl_error(Errc::malformed, "certificate chain");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return openssl_error(Errc::malformed, "the key does not belong to the certificate");
  return ok();
}

void use_protocol(SSL_CTX* context, const std::string_view& protocol)
{
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): OpenSSL's parameter, read only by us.
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<std::string_view*>(&protocol));
}

Status use_trust(SSL_CTX* context, const std::string& pem, Hints hints)
{
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : TRY(certificates_of(pem))) {
    if (X509_STORE_add_cert(store, authority.get()) != 1)
      return openssl_error(Errc::malformed, "authority");
    if (hints == Hints::tell_peer && SSL_CTX_add_client_CA(context, authority.get()) != 1)
      return openssl_error(Errc::internal, "authority's name");
  }
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return ok();
}

} // namespace dstack::net
