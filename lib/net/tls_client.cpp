#include "base/address.hpp"
#include "base/secret.hpp"
#include "crypto/openssl_der.hpp"
#include "net/output.hpp"
#include "net/tls_session.hpp"
#include "net/wait.hpp"
#include "sys/sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

namespace dstack::net {

namespace {

/// Authorities between a server's certificate and the one that is trusted.
constexpr int max_intermediates = 4;
constexpr std::uint16_t https_port = 443;

/// What the certificate of the server is held against, and what was wrong with it.
struct Judge {
  bool chain = false;
  std::optional<Bytes> pinned_spki{};
  std::string wrong{}; ///< empty: nothing yet
};

bool has_key(X509* certificate, const Bytes& spki)
{
  const Bytes own = crypto::der_of<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(certificate));
  return !own.empty() && own == spki;
}

/// Called in the middle of the handshake: what it refuses never sees a certificate of ours.
int judge_server(X509_STORE_CTX* store, void* user)
{
  auto& judge = *static_cast<Judge*>(user);
  if (judge.chain && X509_verify_cert(store) != 1) {
    judge.wrong = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    return 0;
  }
  if (judge.pinned_spki && !has_key(X509_STORE_CTX_get0_cert(store), *judge.pinned_spki)) {
    judge.wrong = "its key is not the one that was expected";
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

Status prepare(SSL_CTX* context, const TlsClientSettings& settings, Judge& judge)
{
  if (!settings.trust_pem.empty()) {
    if (settings.host.empty() && settings.names == TlsClientSettings::Names::held)
      return fail(Errc::usage,
                  "TLS: authorities are given, but no host to hold the certificate to");
    TRY(use_trust(context, settings.trust_pem, Hints::none).within("trusted authorities"));
  }
  if (!settings.chain_pem.empty())
    TRY(use_identity(context, settings.chain_pem, settings.key_pem).within("client certificate"));
  judge.chain = !settings.trust_pem.empty();
  judge.pinned_spki = settings.pinned_spki;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_verify_depth(context, max_intermediates);
  SSL_CTX_set_cert_verify_callback(context, judge_server, &judge);
  return ok();
}

/// Which server we mean: told to it, and held against the names in its certificate (never against
/// its subject).
Status name_server(SSL* ssl, const TlsClientSettings& settings)
{
  const std::string& host = settings.host;
  const bool held = settings.names == TlsClientSettings::Names::held;
  constexpr std::string_view http_1_1 = "\x08http/1.1";
  bool set = SSL_set_alpn_protos(ssl, as_bytes(http_1_1).data(),
                                 static_cast<unsigned>(http_1_1.size())) == 0;
  X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                             X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool numeric = is_ip_address(host);
  if (held && numeric) set = set && X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1;
  if (held && !numeric && !host.empty())
    set = set && X509_VERIFY_PARAM_set1_host(param, host.data(), host.size()) == 1;
  if (!numeric && !host.empty())
    set =
        set && SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                        const_cast<char*>(host.c_str())) == 1; // NOLINT(*-const-cast): it is copied
  if (!set) return fail(Errc::malformed, "'{}' is not a host name", host);
  return ok();
}

/// The Host header (RFC 9110 7.2).
std::string authority_of(const std::string& host, int fd)
{
  const auto port = sys::peer_port(fd);
  std::string out = host.empty() ? "localhost" : host;
  if (out.find(':') != std::string::npos) out = fmt::format("[{}]", out);
  if (port && *port != https_port) out += fmt::format(":{}", *port);
  return out;
}

} // namespace

struct TlsClient::State {
  Judge judge{}; ///< the context points to it
  SslContext context{};
  Stream stream;
  std::string authority{};
  std::string host{};
  Bytes certificate{};

  explicit State(sys::Fd tcp) : stream(std::move(tcp)) {}

  Status await(Io outcome, const sys::Deadline& deadline) const
  {
    return wait_for(stream.fd(), outcome == Io::wait_in ? POLLIN : POLLOUT, deadline);
  }

  Status handshake(const sys::Deadline& deadline)
  {
    while (true) {
      const Io outcome = stream.handshake().outcome;
      if (outcome == Io::done) return ok();
      if (!judge.wrong.empty())
        return fail(Errc::untrusted, "certificate of {}: {}", host, judge.wrong);
      if (outcome == Io::ended || outcome == Io::failed) return stream.tls()->failure();
      TRY(await(outcome, deadline));
    }
  }

  Status send(std::string_view data, const sys::Deadline& deadline)
  {
    while (!data.empty()) {
      const IoStep step = stream.write(data);
      if (step.outcome == Io::done)
        data.remove_prefix(step.count);
      else if (step.outcome == Io::failed || step.outcome == Io::ended)
        return stream.tls()->failure();
      else
        TRY(await(step.outcome, deadline));
    }
    return ok();
  }

  Result<http::Response> receive(const http::MessageLimits& limits, const sys::Deadline& deadline)
  {
    http::ResponseParser parser{limits};
    std::array<std::uint8_t, stream_read_size> room{};
    while (!parser.complete()) {
      const IoStep step = stream.read(room);
      if (step.outcome == Io::failed) return stream.tls()->failure();
      if (step.outcome == Io::ended) { // said so, under TLS: nothing was cut off
        TRY(parser.end_of_input());
        break;
      }
      if (step.outcome == Io::done) {
        auto used = parser.feed(as_text(ByteView{room}.first(step.count)));
        wipe(std::span{room}.first(step.count));
        static_cast<void>(TRY(std::move(used)));
      } else
        TRY(await(step.outcome, deadline));
    }
    return parser.take();
  }
};

TlsClient::TlsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClient::TlsClient(TlsClient&&) noexcept = default;
TlsClient& TlsClient::operator=(TlsClient&&) noexcept = default;
TlsClient::~TlsClient()
{
  if (state_ && state_->stream.established()) state_->stream.finish();
}

Result<TlsClient> TlsClient::connect(sys::Fd tcp,
                                     const TlsClientSettings& settings,
                                     std::chrono::milliseconds deadline)
{
  const int fd = tcp.get();
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto state = std::make_unique<State>(sys::Fd{});
  state->host = settings.host.empty() ? "the server" : settings.host;
  state->authority = authority_of(settings.host, fd);
  state->context = TRY(make_context(Side::client));
  TRY(prepare(state->context.get(), settings, state->judge));
  auto session = TRY(TlsSession::create(state->context.get(), Side::client, fd));
  TRY(name_server(session->get(), settings));
  state->stream = Stream{std::move(tcp), std::move(session)};
  TRY(state->handshake(sys::Deadline{deadline}).within("TLS with {}", state->host));
  state->certificate = state->stream.tls()->peer_certificate();
  return TlsClient{std::move(state)};
}

const Bytes& TlsClient::peer_certificate() const
{
  return state_->certificate;
}

Result<http::Response> TlsClient::exchange(const http::Request& request, const LocalLimits& limits)
{
  const sys::Deadline deadline{limits.deadline};
  std::string text = http::write_request(request, state_->authority);
  Status sent = state_->send(text, deadline);
  wipe_text(text);
  if (!sent && sent.error().code() == Errc::timeout) return std::move(sent).error();
  // A server may answer and close before it has taken everything: its answer says more than our
  // failure to send.
  auto answer = state_->receive(limits.message, deadline);
  if (!answer && !sent) return std::move(sent).error();
  return std::move(answer).within("{}", state_->host);
}

} // namespace dstack::net
