#include "certs/dns_check.hpp"

#include "base/address.hpp"
#include "dns/message.hpp"
#include "net/resolve.hpp"
#include "sys/clock.hpp"

#include <algorithm>

namespace dstack::certs {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds question{3000}; ///< to one server
constexpr std::size_t max_servers = 16;

Result<dns::Message> ask(const std::string& name,
                         std::uint16_t type,
                         const std::vector<std::string>& servers,
                         milliseconds deadline)
{
  return dns::parse_message(TRY(net::query_dns(name, type, servers, deadline)));
}

/// The zone a name is in, by the SOA record of an answer that says there is nothing more.
std::string zone_in(const dns::Message& answer, const std::string& name)
{
  for (const auto* section : {&answer.answers, &answer.authority})
    for (const dns::Record& one : *section)
      if (one.type == dns::type::soa) return one.name;
  return name;
}

enum class Shown { yes, no, no_answer };

Shown shows(const ZoneServer& server, const WantedText& wanted, const sys::Deadline& until)
{
  for (const std::string& address : server) {
    const auto answer =
        ask(wanted.name, dns::type::txt, {address}, std::min(question, until.left()));
    if (!answer) continue;
    const auto texts = dns::texts_at(*answer, wanted.name);
    const bool there = std::find(texts.begin(), texts.end(), wanted.value) != texts.end();
    return there ? Shown::yes : Shown::no;
  }
  return Shown::no_answer;
}

} // namespace

Result<std::vector<ZoneServer>> zone_servers(const std::string& name,
                                             const std::vector<std::string>& resolvers,
                                             milliseconds deadline)
{
  const sys::Deadline until{deadline};
  const auto soa = TRY(ask(name, dns::type::soa, resolvers, until.left()).within("{}", name));
  const std::string zone = zone_in(soa, name);
  const auto answer = TRY(ask(zone, dns::type::ns, resolvers, until.left()).within("{}", zone));
  std::vector<ZoneServer> out;
  for (const dns::Record& one : answer.answers) {
    if (one.type != dns::type::ns || one.name != zone || out.size() == max_servers) continue;
    const auto addresses = net::resolve(one.host, resolvers, std::min(question, until.left()));
    if (!addresses) continue;
    ZoneServer server;
    for (const std::string& address : *addresses)
      server.push_back(is_ipv4_address(address) ? address + ":53" : "[" + address + "]:53");
    out.push_back(std::move(server));
  }
  if (out.empty()) return fail(Errc::not_found, "no server of the zone {} has an address", zone);
  return out;
}

bool all_show(const std::vector<ZoneServer>& servers,
              const std::vector<WantedText>& wanted,
              milliseconds deadline)
{
  const sys::Deadline until{deadline};
  bool any = false;
  for (const ZoneServer& server : servers)
    for (const WantedText& one : wanted) {
      const Shown shown = shows(server, one, until);
      if (shown == Shown::no || until.passed()) return false;
      any = any || shown == Shown::yes;
    }
  return any;
}

} // namespace dstack::certs
