// Gets a certificate over lib/acme and libcurl. Reads settings as JSON from the file given, prints
// one JSON object a line: {"provision":[…]} (then waits for a line on stdin), and at the end
// {"finished":{…}} or {"failed":{…}}.
#include "acme/session.hpp"
#include "fetch/http_client.hpp"
#include "x509/certificate.hpp"
#include "x509/request.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

namespace dstack {
namespace {

using codec::Json;

constexpr fetch::ClientLimits limits{std::chrono::seconds{5}, std::chrono::seconds{20},
                                     acme::max_answer, 0};

Time now()
{
  return Time{std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count()};
}

void print(const Json& line)
{
  std::cout << write_json(line) << std::endl;
}

Json json_of(const acme::Proof& proof)
{
  const auto txt = acme::dns_01_record(proof);
  const auto resource = acme::http_01_resource(proof);
  const auto key = crypto::P256Key::generate();
  const auto certificate = acme::tls_alpn_01_certificate(proof, key, now());
  return Json{}
      .set("kind", acme::name_of(proof.kind))
      .set("domain", proof.domain)
      .set("dns", Json{}.set("name", txt.name).set("value", txt.value))
      .set("http", Json{}.set("path", resource.path).set("body", resource.body))
      .set("tls",
           Json{}.set("certificate", x509::to_pem(*certificate)).set("key", key.pkcs8_pem()));
}

void send(fetch::HttpClient& client, acme::Session& session, const acme::Call& call)
{
  fetch::ClientRequest request{call.method, call.url, {}, call.body};
  if (!call.content_type.empty()) request.headers.push_back({"Content-Type", call.content_type});
  if (!call.accept.empty()) request.headers.push_back({"Accept", call.accept});
  const auto response = client.send(request, limits);
  if (response)
    session.answer(*response, now());
  else
    session.unreachable(response.error(), now());
}

Result<std::vector<acme::ChallengeKind>> kinds_of(const Json& settings)
{
  std::vector<acme::ChallengeKind> out;
  for (const std::string& name : TRY(settings.get_strings("kinds")))
    for (const auto kind : {acme::ChallengeKind::dns_01, acme::ChallengeKind::http_01,
                            acme::ChallengeKind::tls_alpn_01})
      if (name == acme::name_of(kind)) out.push_back(kind);
  return out;
}

Result<acme::SessionSettings> settings_of(const Json& given, const crypto::P256Key& key)
{
  acme::SessionSettings out;
  out.directory_url = TRY(given.need_string("directory"));
  out.account_url = TRY(given.get_string("account_url", ""));
  out.contacts = TRY(given.get_strings("contacts"));
  out.names = TRY(given.get_strings("names"));
  out.kinds = TRY(kinds_of(given));
  out.total_ms = static_cast<std::int64_t>(TRY(given.get_u64("total_ms", 60'000)));
  if (!out.names.empty()) out.csr = TRY(x509::make_request(out.names, key));
  out.certificate_spki = key.spki_der();
  const std::string external = TRY(given.get_string("external_key_id", ""));
  if (external.empty()) return out;
  const std::string mac = TRY(given.need_string("external_mac_key"));
  out.external = acme::ExternalAccount{external, SecretBytes{TRY(acme::parse_base64url(mac))}};
  return out;
}

Result<bool> issue(const std::string& file)
{
  const Json given = TRY(codec::parse_json(as_text(TRY(sys::read_file(file, acme::max_answer)))));
  const std::string scalar = TRY(given.need_string("account_key"));
  const auto account = TRY(crypto::P256Key::from_scalar(TRY(parse_hex(scalar))));
  const auto key = crypto::P256Key::generate();
  acme::Session session{TRY(settings_of(given, key)), account, now()};
  fetch::HttpClient client;
  for (;;) {
    const acme::Step step = session.next(now());
    if (const auto* call = std::get_if<acme::Call>(&step)) {
      send(client, session, *call);
    } else if (const auto* wait = std::get_if<acme::WaitUntil>(&step)) {
      std::this_thread::sleep_for(std::chrono::milliseconds{wait->at.ms - now().ms});
    } else if (const auto* proofs = std::get_if<acme::Provision>(&step)) {
      Json all = Json::array();
      for (const acme::Proof& proof : proofs->proofs)
        all.push(json_of(proof));
      print(Json{}.set("provision", std::move(all)));
      std::string line;
      std::getline(std::cin, line);
      session.provisioned();
    } else if (const auto* done = std::get_if<acme::Finished>(&step)) {
      print(Json{}.set("finished", Json{}
                                       .set("account_url", done->account_url)
                                       .set("chain", done->chain_pem)
                                       .set("key", key.pkcs8_pem())));
      return true;
    } else {
      const auto& failed = std::get<acme::Failed>(step);
      print(Json{}.set("failed", Json{}
                                     .set("code", name_of(failed.error.code()))
                                     .set("message", failed.error.message())
                                     .set("problem", failed.problem)));
      return false;
    }
  }
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  if (argc != 2) return 2;
  const auto done = dstack::issue(argv[1]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? (*done ? 0 : 1) : 2;
}
