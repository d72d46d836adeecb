#include "floor.hpp"

#include "crypto/p256.hpp"
#include "net/tls.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"
#include "sys/spawn.hpp"
#include "x509/app_certificate.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kms_load {

using namespace dstack;

namespace {

constexpr const char* extension_oid = "1.3.6.1.4.1.62397.1.8";

struct Server {
  std::string chain_pem;
  std::string key_pem;
};

Result<Server> make_server(std::size_t extension_size)
{
  const auto key = crypto::P256Key::generate();
  x509::AppCertificateSpec spec;
  spec.subject.common_name = "127.0.0.1";
  spec.issuer = spec.subject;
  spec.alt_names = {"127.0.0.1"};
  spec.not_after = sys::now().seconds() + 86'400;
  spec.extensions = {{extension_oid, Bytes(extension_size, 0x5a)}};
  const Bytes der = TRY(x509::make_app_certificate(spec, key.spki_der(), key));
  return Server{x509::to_pem(der), key.pkcs8_pem()};
}

/// Client certificates are verified as by any server: signature, names and dates.
bool ask_for_certificate(SSL_CTX* context, const std::string& authority_pem)
{
  BIO* text = BIO_new_mem_buf(authority_pem.data(), static_cast<int>(authority_pem.size()));
  X509* authority = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const bool good = authority != nullptr && X509_STORE_add_cert(store, authority) == 1 &&
                    SSL_CTX_set_purpose(context, X509_PURPOSE_ANY) == 1;
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  X509_free(authority);
  BIO_free(text);
  return good;
}

bool use(SSL_CTX* context, const Server& server)
{
  BIO* chain = BIO_new_mem_buf(server.chain_pem.data(), static_cast<int>(server.chain_pem.size()));
  BIO* key = BIO_new_mem_buf(server.key_pem.data(), static_cast<int>(server.key_pem.size()));
  X509* certificate = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
  EVP_PKEY* own = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
  const bool good = certificate != nullptr && own != nullptr &&
                    SSL_CTX_use_certificate(context, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(context, own) == 1;
  X509_free(certificate);
  EVP_PKEY_free(own);
  BIO_free(chain);
  BIO_free(key);
  return good;
}

/// Runs in a process of its own; tells its processor time for all handshakes, or nothing.
void serve(int listener, const Server& server, const Client& client, int count, int tell)
{
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr || !use(context, server)) return;
  if (!ask_for_certificate(context, client.authority_pem)) return;
  SSL_CTX_set_max_cert_list(context, net::max_peer_certificates);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  double before = 0;
  for (int i = -1; i < count; ++i) { // the first one warms up
    if (i == 0) before = own_cpu_seconds();
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) return;
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) return;
    SSL_shutdown(ssl);
    SSL_free(ssl);
    ::close(fd);
  }
  const double took = own_cpu_seconds() - before;
  static_cast<void>(::write(tell, &took, sizeof took) == sizeof took);
}

Status greet(std::uint16_t port, const net::TlsClientSettings& settings)
{
  constexpr std::chrono::milliseconds deadline{10'000};
  sys::Fd tcp = TRY(sys::connect_tcp("127.0.0.1", port, deadline));
  auto connection = TRY(net::TlsClient::connect(std::move(tcp), settings, deadline));
  // Reading what ends the connection makes sure that the server has seen our certificate.
  static_cast<void>(connection.exchange({}, {deadline, {}}));
  return ok();
}

} // namespace

double own_cpu_seconds()
{
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Result<double> handshake_us(const Client& client, int count)
{
  const Server server = TRY(make_server(client.chain_pem.size() * 3 / 4));
  const sys::Fd listener = TRY(sys::listen_tcp("127.0.0.1", 0));
  const std::uint16_t port = TRY(sys::local_port(listener.get()));
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return sys::errno_error("pipe");
  const sys::Fd read_end{ends[0]};
  sys::Fd write_end{ends[1]};
  const pid_t child = ::fork();
  if (child < 0) return sys::errno_error("fork");
  if (child == 0) {
    serve(listener.get(), server, client, count, write_end.get());
    ::_exit(0);
  }
  write_end = sys::Fd{};
  net::TlsClientSettings settings;
  settings.trust_pem = server.chain_pem;
  settings.host = "127.0.0.1";
  settings.chain_pem = client.chain_pem;
  settings.key_pem = client.key_pem;
  Status met = ok();
  for (int i = -1; i < count && met; ++i)
    met = greet(port, settings);
  double took = 0;
  const bool told = met && ::read(read_end.get(), &took, sizeof took) == sizeof took;
  if (!told) ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  if (!met) return met.error();
  if (!told) return fail(Errc::io, "the bare server gave up");
  return took * 1e6 / count;
}

} // namespace kms_load
