#include "kmsclient/client.hpp"

#include "codec/json.hpp"
#include "keys/root_keys.hpp"
#include "kmsclient/link.hpp"
#include "x509/certificate.hpp"

namespace dstack::kmsclient {

using codec::Json;

namespace {

constexpr std::string_view nothing = "null"; ///< a request without members (spec kms 1.2)

struct Call {
  std::string_view method{};
  std::string body{};
  std::size_t max_answer = kmsclient::max_answer;
};

Result<std::string> exchange(net::TlsClient& connection,
                             const Url& url,
                             const Call& call,
                             std::chrono::milliseconds deadline)
{
  http::Request request;
  request.method = "POST";
  request.target = fmt::format("{}/prpc/{}?json", url.path, call.method);
  request.body = call.body;
  std::string body = TRY(ask(connection, request, {deadline, call.max_answer}));
  // No body stands for null (spec kms 1.2).
  return body.empty() ? std::string{nothing} : body;
}

Result<net::TlsClient> open(const Url& url, net::TlsClientSettings settings, const Budget& budget)
{
  return connect(url, std::move(settings), budget.reach().dns, budget.connect());
}

/// Over a connection on which the server has shown nothing but a certificate.
Result<TempCa> ask_temp_ca(const Url& url, const Budget& budget)
{
  auto connection = TRY(open(url, {}, budget));
  const Call call{"GetTempCaCert", std::string{nothing}};
  return parse_temp_ca(TRY(exchange(connection, url, call, budget.answer())));
}

/// Over a connection to the KMS of that root: its certificate chains to it, is for this host and
/// marked kms:rpc.
Result<std::string> ask_trusted(const Url& url,
                                const KnownCertificate& root,
                                const Call& call,
                                const Budget& budget,
                                const ClientIdentity& identity = {})
{
  net::TlsClientSettings settings;
  settings.trust_pem = x509::to_pem(root.der);
  settings.chain_pem = identity.chain_pem;
  settings.key_pem = identity.key_pem;
  auto connection = TRY(open(url, std::move(settings), budget));
  TRY(check_server(connection.peer_certificate()));
  return exchange(connection, url, call, budget.answer());
}

/// The addresses with this one in front.
std::vector<Url> starting_with(const Url& first, const std::vector<Url>& urls)
{
  std::vector<Url> out{first};
  for (const Url& url : urls)
    if (url.text != first.text) out.push_back(url);
  return out;
}

Result<AppAnswer>
ask_app_keys(const Url& url, const AppQuestion& question, const Budget& budget, Time now)
{
  const TempCa ca = TRY(ask_temp_ca(url, budget).within("GetTempCaCert"));
  TRY(check_pin(ca.root, question.pin));
  const ClientIdentity identity =
      TRY(make_identity(ca, question.attest, now).within("client certificate"));
  Json body;
  body.set("api_version", 1).set("vm_config", question.vm_config);
  const Call call{"GetAppKey", codec::write_json(body)};
  std::string text = TRY(ask_trusted(url, ca.root, call, budget, identity).within("GetAppKey"));
  AppAnswer out;
  out.keys = TRY(parse_app_keys(std::move(text)).within("GetAppKey"));
  if (!equal(out.keys.root.spki, ca.root.spki))
    return fail(Errc::untrusted, "GetAppKey: ca_cert is of another root than the one trusted");
  out.app_public = TRY(crypto::k256_public(out.keys.k256_key).within("GetAppKey: k256_key"));
  out.signer = TRY(keys::app_key_signer(question.app_id, out.app_public, out.keys.k256_signature)
                       .within("GetAppKey: k256_signature"));
  out.kms = {starting_with(url, question.urls), ca.root};
  return out;
}

} // namespace

Result<Trusted> meet(const std::vector<Url>& urls, ByteView pin, const Reach& reach)
{
  const Budget budget{reach};
  return first_of<Trusted>(urls, budget, [&](const Url& url) -> Result<Trusted> {
    const TempCa ca = TRY(ask_temp_ca(url, budget).within("GetTempCaCert"));
    TRY(check_pin(ca.root, pin));
    return Trusted{starting_with(url, urls), ca.root};
  });
}

Result<AppAnswer> request_app_keys(const AppQuestion& question, const Reach& reach, Time now)
{
  const Budget budget{reach};
  return first_of<AppAnswer>(question.urls, budget, [&](const Url& url) {
    return ask_app_keys(url, question, budget, now);
  });
}

Result<CertificateAnswer> request_certificate(const Trusted& kms,
                                              const CertificateQuestion& question,
                                              const Reach& reach,
                                              Time now)
{
  Json body;
  body.set("api_version", 2).set("csr", hex(question.csr));
  body.set("signature", hex(question.signature)).set("vm_config", question.vm_config);
  const Call call{"SignCert", codec::write_json(body), max_chain_answer};
  const WantedCertificate wanted{kms.root.spki, question.spki, question.app_id};
  const Budget budget{reach};
  const auto ask = [&](const Url& url) -> Result<CertificateAnswer> {
    const std::string text = TRY(ask_trusted(url, kms.root, call, budget).within("SignCert"));
    CertificateAnswer out{TRY(parse_chain(text).within("SignCert")), url.text};
    TRY(check_certificate(out.chain, wanted, now).within("SignCert"));
    return out;
  };
  return first_of<CertificateAnswer>(kms.urls, budget, ask);
}

Result<Meta> request_meta(const Trusted& kms, const Reach& reach)
{
  const Budget budget{reach};
  const Call call{"GetMeta", std::string{nothing}};
  return first_of<Meta>(kms.urls, budget, [&](const Url& url) -> Result<Meta> {
    const std::string text = TRY(ask_trusted(url, kms.root, call, budget).within("GetMeta"));
    Meta out = TRY(parse_meta(text).within("GetMeta"));
    if (!equal(out.root.spki, kms.root.spki))
      return fail(Errc::untrusted, "GetMeta: ca_cert is of another root than the one trusted");
    return out;
  });
}

Result<EnvKey> request_env_key(const Trusted& kms, ByteView app_id, const Reach& reach)
{
  const Budget budget{reach};
  const Call call{"GetAppEnvEncryptPubKey", codec::write_json(Json{}.set("app_id", hex(app_id)))};
  return first_of<EnvKey>(kms.urls, budget, [&](const Url& url) -> Result<EnvKey> {
    const std::string text =
        TRY(ask_trusted(url, kms.root, call, budget).within("GetAppEnvEncryptPubKey"));
    return parse_env_key(text).within("GetAppEnvEncryptPubKey");
  });
}

} // namespace dstack::kmsclient
