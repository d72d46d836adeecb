#include "gatewayclient/client.hpp"

#include "gatewayclient/trust.hpp"
#include "kmsclient/link.hpp"
#include "net/resolve.hpp"
#include "x509/certificate.hpp"

namespace dstack::gatewayclient {

namespace {

constexpr std::uint16_t keepalive_seconds = 25; // spec gateway 8

Result<route::WgPeer> peer_of(const Server& server, const kmsclient::Budget& budget)
{
  const auto addresses = TRY(net::resolve(server.host, budget.reach().dns, budget.connect()));
  route::WgPeer out;
  out.public_key = server.public_key;
  // The gateway alone: other VMs of its network are no business of ours, nor we of theirs.
  out.allowed = {route::Network{server.address, server.address.bits()}};
  out.endpoint = {TRY(route::parse_address(addresses.front())), server.port};
  out.keepalive_seconds = keepalive_seconds;
  return out;
}

/// Packets to an endpoint that is reached through the tunnel would go round in circles.
Status check_outside(const std::vector<route::WgPeer>& peers)
{
  for (const route::WgPeer& peer : peers)
    for (const route::WgPeer& other : peers)
      if (other.allowed.front().contains(peer.endpoint->address))
        return fail(Errc::malformed, "the endpoint {} is inside the tunnel", peer.endpoint->text());
  return ok();
}

Result<Answer>
ask_one(const kmsclient::Url& url, const Question& question, const kmsclient::Budget& budget)
{
  net::TlsClientSettings settings;
  settings.trust_pem = x509::to_pem(question.root_der);
  settings.names = net::TlsClientSettings::Names::ignored;
  settings.chain_pem = question.chain_pem;
  settings.key_pem = question.key_pem;
  auto connection =
      TRY(kmsclient::connect(url, std::move(settings), budget.reach().dns, budget.connect()));
  TRY(check_gateway(connection.peer_certificate(), question.gateway_app_id));
  http::Request request;
  request.method = "POST";
  request.target = url.path + "/prpc/RegisterCvm?json";
  request.body = registration_request(question.public_key, question.policy);
  const std::string body =
      TRY(kmsclient::ask(connection, request, {budget.answer(), max_answer}).within("RegisterCvm"));
  Answer out;
  out.registration = TRY(parse_registration(body).within("RegisterCvm"));
  for (const Server& server : out.registration.servers)
    out.peers.push_back(
        TRY(peer_of(server, budget).within("endpoint of {}", server.address.text())));
  TRY(check_outside(out.peers));
  out.url = url.text;
  return out;
}

} // namespace

Result<Answer> request_registration(const Question& question, const kmsclient::Reach& reach)
{
  TRY(check_gateway_id(question.gateway_app_id));
  const kmsclient::Budget budget{reach};
  const auto ask = [&](const kmsclient::Url& url) { return ask_one(url, question, budget); };
  return kmsclient::first_of<Answer>(question.urls, budget, ask);
}

} // namespace dstack::gatewayclient
