#include "certs/dynamic_update.hpp"

#include "base/address.hpp"
#include "net/dns_tcp.hpp"
#include "net/resolve.hpp"
#include "sys/clock.hpp"

namespace dstack::certs {

namespace {

constexpr std::chrono::milliseconds deadline{15'000}; ///< of one question or update

dns::Caa dns_of(const acme::CaaRecord& record)
{
  return {static_cast<std::uint8_t>(record.flags), record.tag, record.value};
}

class DynamicUpdate : public DnsProvider {
public:
  DynamicUpdate(DynamicUpdateSettings settings,
                ServerName server,
                const DnsSettings& common,
                World world)
      : settings_(std::move(settings)), server_(std::move(server)), ttl_(common.ttl_seconds),
        resolvers_(common.resolvers), world_(std::move(world))
  {
  }

  Result<std::vector<RecordData>> list(RecordType type, const std::string& name) override
  {
    const bool txt = type == RecordType::txt;
    const dns::Message answer = TRY(ask(name, txt ? dns::type::txt : dns::type::caa));
    std::vector<RecordData> out;
    for (const dns::Record& one : answer.answers) {
      if (one.name != name) continue;
      if (txt && one.type == dns::type::txt) out.emplace_back(join(one.strings, ""));
      if (!txt && one.type == dns::type::caa)
        out.emplace_back(acme::CaaRecord{one.caa.flags, one.caa.tag, one.caa.value});
    }
    return out;
  }

  Status add(const std::string& name, const RecordData& data) override
  {
    return change(dns::Change::Kind::add, name, data).within("add {}", name);
  }

  Status remove(const std::string& name, const RecordData& data) override
  {
    return change(dns::Change::Kind::remove, name, data).within("remove {}", name);
  }

private:
  std::string shown() const { return fmt::format("DNS server {}", settings_.server); }

  Result<std::vector<std::string>> addresses() const
  {
    return net::resolve(server_.host, resolvers_, deadline).within("{}", shown());
  }

  Result<dns::Message> ask(const std::string& name, std::uint16_t type) const
  {
    std::vector<std::string> servers;
    for (const std::string& address : TRY(addresses()))
      servers.push_back(is_ipv4_address(address) ? fmt::format("{}:{}", address, server_.port)
                                                 : fmt::format("[{}]:{}", address, server_.port));
    const Bytes answer = TRY(net::query_dns(name, type, servers, deadline).within("{}", shown()));
    return dns::parse_message(answer).within("{}", shown());
  }

  /// The server says which zone a name is in: by the SOA record that comes with any answer.
  Result<std::string> zone_of(const std::string& name) const
  {
    if (!settings_.zone.empty()) return settings_.zone;
    const dns::Message answer = TRY(ask(name, dns::type::soa));
    for (const auto* section : {&answer.answers, &answer.authority})
      for (const dns::Record& one : *section)
        if (one.type == dns::type::soa && (name == one.name || name.ends_with("." + one.name)))
          return one.name;
    return fail(Errc::not_found,
                "{} does not say which of its zones holds {}: name the zone in "
                "the settings",
                shown(), name);
  }

  Status change(dns::Change::Kind kind, const std::string& name, const RecordData& data) const
  {
    dns::Update update;
    update.zone = TRY(zone_of(name));
    update.ttl = ttl_;
    dns::Change one;
    one.kind = kind;
    one.name = name;
    if (const auto* text = std::get_if<std::string>(&data))
      one.data = *text;
    else
      one.data = dns_of(std::get<acme::CaaRecord>(data));
    update.changes.push_back(std::move(one));
    const auto id = static_cast<std::uint16_t>(world_.random());
    const auto request = TRY(dns::write_update(update, settings_.key, id, world_.now()));
    const sys::Deadline until{deadline};
    const auto connection = TRY(
        net::connect_host(server_.host, server_.port, resolvers_, deadline).within("{}", shown()));
    const Bytes answer = TRY(
        net::exchange_dns(connection.get(), request.message, until.left()).within("{}", shown()));
    return dns::check_update_answer(answer, request, settings_.key, world_.now())
        .within("{}", shown());
  }

  DynamicUpdateSettings settings_;
  ServerName server_;
  std::uint32_t ttl_;
  std::vector<std::string> resolvers_;
  World world_;
};

} // namespace

Result<ServerName> parse_server(std::string_view text)
{
  ServerName out;
  std::string_view port;
  if (text.starts_with('[') && text.find(']') != std::string_view::npos) {
    const auto end = text.find(']');
    out.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (is_ip_address(text)) {
    out.host = text;
  } else {
    const auto colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  const Error wrong =
      fail(Errc::config, "'{}' is no DNS server: wanted HOST or HOST:PORT", printable(text));
  if (out.host.empty()) return wrong;
  if (port.empty()) return out;
  const auto number = parse_u64(port.substr(1));
  if (!port.starts_with(':') || !number || *number == 0 || *number > 65'535) return wrong;
  out.port = static_cast<std::uint16_t>(*number);
  return out;
}

Result<std::unique_ptr<DnsProvider>>
make_dynamic_update(const DynamicUpdateSettings& settings, const DnsSettings& common, World world)
{
  ServerName server = TRY(parse_server(settings.server));
  if (settings.key.key.empty())
    return fail(Errc::config, "DNS server {}: no key for signed updates", settings.server);
  TRY(dns::wire_name(settings.key.name).within("name of the key"));
  return std::unique_ptr<DnsProvider>{
      std::make_unique<DynamicUpdate>(settings, std::move(server), common, std::move(world))};
}

} // namespace dstack::certs
