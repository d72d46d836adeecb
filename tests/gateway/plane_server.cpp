// A data plane without control plane: `gateway_plane_server SETTINGS.json` serves what the file
// says and prints the endpoints it listens at as JSON. Then it obeys lines on stdin, each answered
// by a line of JSON: "counters", "reload" (domains, certificates, instances and custom domains of
// the file count from now on), "drain". It ends with stdin. The file:
//   {"listen": ["127.0.0.1:0"], "workers": 1, "proxy_from": ["127.0.0.2/32"], "tickets": true,
//    "splice_after": 65536, "kernel_tls": false, "max_connections": 100, "app_connections": 8,
//    "candidates": 3, "stagger_ms": 75, "connect_ms": 5000,
//    "source_open": 4, "source_per_second": 9, "source_burst": 9,
//    "timeouts_ms": {"proxy_header": 1, "hello": 1, "handshake": 1, "resolve": 1, "idle": 1,
//                    "total": 1},
//    "domains": ["apps.test"], "pages": "socket",
//    "certificates": [{"domain": "apps.test", "chain": "chain.pem", "key": "key.pem"}],
//    "custom": {"www.example.org": "app:443"},
//    "instances": [{"id": "a", "app": "b", "address": "10.8.0.2",
//                   "forwards": {"80": "127.0.0.1:8080"},
//                   "policy": {"ports": [], "restrict_mode": false}}]}
// An instance without "policy" has an open one, null means that it is not known. A custom domain
// that is null cannot be asked for, and false is never answered. Other settings have the defaults
// of proxy::PlaneSettings.
#include "base/text.hpp"
#include "codec/json.hpp"
#include "proxy/plane.hpp"
#include "sys/files.hpp"

#include <csignal>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <optional>

namespace dstack {
namespace {

using codec::Json;

constexpr std::size_t max_file = std::size_t{4} << 20U;

Result<route::Endpoint> endpoint_of(std::string_view text)
{
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::usage, "no port in {}", text);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const route::Address address = TRY(route::parse_address(host));
  const std::uint64_t port = TRY(parse_u64(text.substr(colon + 1)));
  if (port > 0xffff) return fail(Errc::usage, "port {}", port);
  return route::Endpoint{address, static_cast<std::uint16_t>(port)};
}

/// Sets a number that the file names; otherwise it stays as it is.
template <class T> Status take(const Json& file, std::string_view key, T& number)
{
  number = static_cast<T>(TRY(file.get_u64(key, static_cast<std::uint64_t>(number))));
  return ok();
}

Status take_timeouts(const Json& given, proxy::Timeouts& timeouts)
{
  TRY(take(given, "proxy_header", timeouts.proxy_header_ms));
  TRY(take(given, "hello", timeouts.hello_ms));
  TRY(take(given, "handshake", timeouts.handshake_ms));
  TRY(take(given, "resolve", timeouts.resolve_ms));
  TRY(take(given, "idle", timeouts.idle_ms));
  return take(given, "total", timeouts.total_ms);
}

Result<proxy::PlaneSettings> settings_of(const Json& file)
{
  proxy::PlaneSettings out;
  for (const std::string& text : TRY(file.get_strings("listen")))
    out.listen.push_back(TRY(endpoint_of(text)));
  for (const std::string& text : TRY(file.get_strings("proxy_from")))
    out.trust.peers.push_back(TRY(route::parse_network(text)));
  TRY(take(file, "workers", out.workers));
  out.tickets = TRY(file.get_bool("tickets", out.tickets));
  TRY(take(file, "splice_after", out.splice_after));
  out.kernel_tls = TRY(file.get_bool("kernel_tls", out.kernel_tls));
  TRY(take(file, "max_connections", out.max_connections));
  TRY(take(file, "app_connections", out.balance.max_connections_per_app));
  TRY(take(file, "candidates", out.balance.candidates));
  TRY(take(file, "stagger_ms", out.race.stagger_ms));
  TRY(take(file, "connect_ms", out.race.total_ms));
  TRY(take(file, "source_open", out.sources.max_open));
  TRY(take(file, "source_per_second", out.sources.per_second));
  TRY(take(file, "source_burst", out.sources.burst));
  if (const Json* timeouts = file.find("timeouts_ms")) TRY(take_timeouts(*timeouts, out.timeouts));
  return out;
}

using Forwards = std::map<std::uint16_t, route::Endpoint>;

Result<std::optional<Forwards>> forwards_of(const Json& instance)
{
  const Json* given = instance.find("forwards");
  if (given == nullptr) return std::optional<Forwards>{};
  if (!given->is_object()) return fail(Errc::config, "forwards: no object");
  Forwards out;
  for (const auto& [port, where] : given->members()) {
    const std::uint64_t number = TRY(parse_u64(port));
    out[static_cast<std::uint16_t>(number)] = TRY(endpoint_of(TRY(where.as_string())));
  }
  return std::optional<Forwards>{std::move(out)};
}

Result<route::InstanceRecord> record_of(const Json& instance)
{
  route::InstanceRecord out;
  out.id = TRY(instance.need_string("id"));
  out.app_id = TRY(instance.need_string("app"));
  out.address = TRY(route::parse_address(TRY(instance.get_string("address", "127.0.0.1"))));
  const Json* policy = instance.find("policy");
  if (policy == nullptr)
    out.policies.reported = route::PortPolicy{};
  else if (!policy->is_null())
    out.policies.reported = TRY(route::parse_port_policy(*policy).within("policy"));
  return out;
}

class Server {
public:
  explicit Server(std::string path) : path_(std::move(path)) {}

  Result<Json> open()
  {
    const Json file = TRY(read());
    proxy::Outside outside;
    outside.custom_target = [this](const std::string& host, const auto& answer) {
      if (const auto target = custom_target(host)) answer(*target);
    };
    outside.policy_wanted = [](const std::string&) {};
    plane_ = TRY(proxy::Plane::create(TRY(settings_of(file)), std::move(outside)));
    TRY(publish(file));
    Json endpoints = Json::array();
    for (const route::Endpoint& one : plane_->listening())
      endpoints.push(one.text());
    const auto kernel = plane_->kernel_tls();
    if (!kernel) fmt::print(stderr, "gateway_plane_server: {}\n", kernel.error().message());
    return Json{}.set("listening", std::move(endpoints)).set("kernel_tls", kernel && *kernel);
  }

  Result<Json> obey(std::string_view command)
  {
    if (command == "counters") return counters();
    if (command == "drain") {
      plane_->drain();
      return Json{}.set("draining", true);
    }
    if (command == "reload") {
      TRY(publish(TRY(read())));
      return Json{}.set("reloaded", true);
    }
    return fail(Errc::usage, "\"{}\": counters, reload or drain", printable(command));
  }

private:
  Result<Json> read() const
  {
    return codec::parse_json(TRY(sys::read_text(path_, max_file))).within("{}", path_);
  }

  Status publish(const Json& file)
  {
    proxy::World world;
    world.domains = TRY(file.get_strings("domains"));
    world.pages_socket = TRY(file.get_string("pages", ""));
    for (const Json& one : TRY(file.need_array("certificates"))->items()) {
      proxy::DomainCertificate certificate;
      certificate.domain = TRY(one.need_string("domain"));
      certificate.chain_pem = TRY(sys::read_text(TRY(one.need_string("chain")), max_file));
      certificate.key_pem = TRY(sys::read_text(TRY(one.need_string("key")), max_file));
      world.certificates.push_back(std::move(certificate));
    }
    std::vector<route::InstanceRecord> records;
    for (const Json& one : TRY(file.need_array("instances"))->items()) {
      records.push_back(TRY(record_of(one)));
      auto& backend = backends_[records.back().id];
      if (!backend) backend = std::make_shared<proxy::Backend>();
      proxy::Target target;
      target.backend = backend;
      target.forwards = TRY(forwards_of(one));
      world.targets.push_back(std::move(target));
    }
    world.table = std::make_shared<const route::AppTable>(std::move(records));
    if (const Json* custom = file.find("custom")) {
      const std::lock_guard lock{custom_mutex_};
      custom_ = *custom;
    }
    return plane_->publish(std::move(world));
  }

  /// Absent: no answer ever comes.
  std::optional<Result<route::CustomTarget>> custom_target(const std::string& host)
  {
    const std::lock_guard lock{custom_mutex_};
    const Json* found = custom_.find(host);
    if (found == nullptr) return fail(Errc::not_found, "{} has no TXT record", host);
    if (found->is_null()) return fail(Errc::io, "{}: the resolver does not answer", host);
    if (!found->is_string()) return std::nullopt;
    return route::parse_app_address(found->text());
  }

  Json counters() const
  {
    const proxy::Totals totals = plane_->totals();
    Json counts = Json::object();
    for (std::size_t i = 0; i < proxy::count_kinds; ++i) {
      const auto kind = static_cast<proxy::Count>(i);
      counts.set(proxy::name_of(kind), totals.of(kind));
    }
    Json refused = Json::object();
    for (std::size_t i = 0; i < proxy::refusal_kinds; ++i) {
      const auto why = static_cast<route::RefusedFor>(i);
      refused.set(route::name_of(why), totals.of(why));
    }
    Json connections = Json::object();
    for (const auto& entry : backends_)
      connections.set(entry.first, entry.second->connections.load());
    return Json{}
        .set("live", plane_->live())
        .set("counts", std::move(counts))
        .set("refused", std::move(refused))
        .set("connections", std::move(connections));
  }

  std::string path_;
  std::map<std::string, std::shared_ptr<proxy::Backend>> backends_{};
  std::mutex custom_mutex_{}; ///< workers ask
  Json custom_{};
  std::unique_ptr<proxy::Plane> plane_{};
};

void answer(const Result<Json>& result)
{
  const Json line = result ? *result : Json{}.set("error", result.error().message());
  std::printf("%s\n", codec::write_json(line).c_str());
  std::fflush(stdout);
}

int run(const std::string& path)
{
  Server server{path};
  const auto opened = server.open();
  if (!opened) {
    std::fprintf(stderr, "gateway_plane_server: %s\n", opened.error().message().c_str());
    return 1;
  }
  answer(opened);
  for (std::string line; std::getline(std::cin, line);)
    answer(server.obey(line));
  return 0;
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  std::signal(SIGPIPE, SIG_IGN);
  if (argc != 2) {
    std::fprintf(stderr, "usage: gateway_plane_server SETTINGS.json\n");
    return 2;
  }
  return dstack::run(argv[1]);
}
