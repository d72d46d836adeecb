#include "agents/gateway/identity.hpp"

#include "attest/ratls.hpp"
#include "codec/json_list.hpp"
#include "x509/read.hpp"

namespace dstack::gatewaynode {

namespace {

using codec::Json;

constexpr std::string_view subject = "dstack-gateway"; // spec gateway 15.7

Result<Json> ask(const guestclient::GuestAgent& agent, const std::vector<std::string>& names)
{
  Json request;
  request.set("subject", subject).set("alt_names", codec::list_of(names));
  request.set("usage_ra_tls", true).set("usage_server_auth", true);
  request.set("usage_client_auth", true).set("with_app_info", true);
  return agent.ask("GetTlsKey", request);
}

} // namespace

Result<Identity> request_identity(const guestclient::GuestAgent& agent,
                                  const std::vector<std::string>& names)
{
  const Json answer = TRY(ask(agent, names));
  const auto chain = TRY(answer.get_strings("certificate_chain"));
  constexpr std::size_t least = 2; // ours and whoever signed it
  if (chain.size() < least)
    return fail(Errc::untrusted, "the guest agent's certificate names no authority");
  Identity out;
  out.key_pem = TRY(answer.need_string("key"));
  for (const std::string& one : chain)
    out.chain_pem += one.ends_with('\n') ? one : one + "\n";
  out.root_pem = chain.back();
  const Bytes leaf = TRY(x509::first_certificate(as_bytes(chain.front())));
  out.app_id = TRY(attest::certificate_marks(leaf)).app_id;
  constexpr std::int64_t second = 1000;
  out.not_after = Time{TRY(x509::outline_certificate(leaf)).not_after * second};
  return out;
}

} // namespace dstack::gatewaynode
