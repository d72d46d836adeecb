#include "proxy/kernel_tls.hpp"
#include "proxy/plane.hpp"

#include "net/test_tls.hpp"
#include "sys/workers.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dstack::proxy {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view instance_id = "1111111111111111111111111111111111111111";
constexpr std::string_view other_id = "2222222222222222222222222222222222222222";
constexpr std::string_view app_id = "3333333333333333333333333333333333333333";
constexpr milliseconds patience{5'000};

/// Many records, each byte depending on its place.
std::string large_body()
{
  std::string out(3'000'001, '\0');
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<char>(i * 31 + i / 251);
  return out;
}

/// An app: answers each HTTP request with what came before it on its connection, and the path.
class App {
public:
  App()
  {
    port_ = *sys::local_port(listener_.get());
    crew_ = *sys::Crew::start(1, [this](unsigned) { serve(); });
  }
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App()
  {
    stopping_ = true;
    const auto wake = sys::connect_tcp("127.0.0.1", port_, patience);
    static_cast<void>(wake);
    crew_.reset();
  }
  std::uint16_t port() const { return port_; }

private:
  void serve()
  {
    while (true) {
      auto connection = sys::accept_one(listener_.get());
      if (!connection || stopping_) return;
      std::string request;
      while (request.find("\r\n\r\n") == std::string::npos) {
        const auto more = sys::read_some(connection->get(), 4096);
        if (!more || more->empty()) break;
        request += to_text(*more);
      }
      std::string body = request.substr(0, request.find("\r\n"));
      if (body.starts_with("GET /large ")) body = large_body();
      static_cast<void>(sys::write_all(
          connection->get(),
          as_bytes(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                               body.size(), body))));
    }
  }

  sys::Fd listener_ = *sys::listen_tcp("127.0.0.1", 0);
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<sys::Crew> crew_{};
};

/// A plane with one app of two instances, and clients that trust its certificate.
struct Setting {
  net::TestAuthority root{"Test Root"};
  std::vector<route::InstanceRecord> records{};
  std::vector<Target> targets{};
  PlaneSettings settings{};
  Outside outside{};
  std::unique_ptr<Plane> plane{};

  Setting()
  {
    settings.listen = {{route::Address::v4(0x7f000001), 0}};
    settings.workers = 2;
    for (const std::string_view id : {instance_id, other_id}) {
      route::InstanceRecord record;
      record.id = id;
      record.app_id = app_id;
      record.address = route::Address::v4(0x7f000001);
      record.policies.reported = route::PortPolicy{};
      records.push_back(record);
      targets.push_back({std::make_shared<Backend>(), std::nullopt});
    }
  }
  void start()
  {
    plane = *Plane::create(settings, outside);
    REQUIRE(plane->publish(world()));
  }
  World world() const
  {
    auto spec = root.leaf();
    spec.alt_names = {"*.apps.test"};
    const auto identity = root.issue(spec);
    World out;
    out.domains = {"apps.test"};
    out.table = std::make_shared<const route::AppTable>(records);
    out.targets = targets;
    out.certificates = {{"apps.test", identity.pem, identity.key_pem}};
    return out;
  }
  Result<net::TlsClient> connect(const std::string& host) const
  {
    net::TlsClientSettings client;
    client.trust_pem = root.pem();
    client.host = host;
    return net::TlsClient::connect(net::connect_to(plane->listening().front().port), client,
                                   patience);
  }
  std::string get(const std::string& host, const std::string& path = "/hello") const
  {
    auto client = connect(host);
    if (!client) return client.error().message();
    http::Request request = net::request_of("GET", path);
    request.headers.push_back({"Host", host});
    const auto response = client->exchange(request, {});
    return response ? response->body : response.error().message();
  }
  /// Counters are a worker's: they may come a little later than what a client sees.
  bool becomes(const std::function<bool()>& condition) const
  {
    const sys::Deadline deadline{patience};
    while (!condition()) {
      if (deadline.passed()) return false;
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
};

std::string name_of_app(std::string_view id, std::uint16_t port, std::string_view suffix = "")
{
  return fmt::format("{}-{}{}.apps.test", id, port, suffix);
}

} // namespace

TEST_SUITE("proxy plane")
{
  TEST_CASE("ends TLS, relays, and counts")
  {
    const App app;
    Setting at;
    at.start();
    CHECK(at.get(name_of_app(instance_id, app.port())) == "GET /hello HTTP/1.1");
    CHECK(at.get(name_of_app(app_id, app.port())) == "GET /hello HTTP/1.1");
    CHECK(at.becomes([&] { return at.plane->live() == 0; }));
    const Totals totals = at.plane->totals();
    CHECK(totals.of(Count::accepted) == 2);
    CHECK(totals.of(Count::handshakes_1_3) == 2);
    CHECK(totals.of(Count::relayed_terminated) == 2);
    CHECK(totals.of(Count::terminated_bytes_out) > 100);
    CHECK(at.targets[0].backend->connections + at.targets[1].backend->connections == 0);
  }

  TEST_CASE("large answers arrive whole")
  {
    const App app;
    Setting at;
    at.start();
    CHECK(at.get(name_of_app(instance_id, app.port()), "/large") == large_body());
  }

  TEST_CASE("lets the kernel encrypt where it can, and serves all the same where it cannot")
  {
    const App app;
    Setting at;
    at.settings.kernel_tls = true;
    at.start();
    const auto by_kernel = at.plane->kernel_tls();
    CHECK(bool{by_kernel} == bool{try_kernel_tls()});
    if (!by_kernel) MESSAGE(by_kernel.error().message());
    CHECK(at.get(name_of_app(instance_id, app.port()), "/large") == large_body());
    CHECK(at.becomes([&] { return at.plane->live() == 0; }));
    CHECK(at.plane->totals().of(Count::kernel_tls) == (by_kernel ? 1U : 0U));
  }

  TEST_CASE("an app's last words arrive though it reads no further")
  {
    const App app; // closes without reading a body: the kernel resets the connection
    Setting at;
    at.start();
    for (int i = 0; i < 5; ++i) {
      auto client = at.connect(name_of_app(instance_id, app.port()));
      REQUIRE(client);
      const auto response = client->exchange(
          net::request_of("POST", "/early", std::string(std::size_t{4} << 20U, 'x')), {});
      REQUIRE(response);
      CHECK(response->body == "POST /early HTTP/1.1");
    }
  }

  TEST_CASE("refuses with an alert that says why")
  {
    const App app;
    Setting at;
    at.records[1].policies.reported->access = route::PortPolicy::Access::listed;
    at.start();
    const auto refusal = [&at](const std::string& host) { return at.get(host); };
    CHECK(refusal("4444-80.apps.test").find("unrecognized name") != std::string::npos);
    CHECK(refusal(name_of_app(other_id, app.port())).find("access denied") != std::string::npos);
    CHECK(refusal("a-b-c.apps.test").find("unrecognized name") != std::string::npos);
    CHECK(refusal("elsewhere.test").find("unrecognized name") != std::string::npos);
    CHECK(at.becomes([&] { return at.plane->live() == 0; }));
    CHECK(at.plane->totals().of(route::RefusedFor::port_closed) == 1);
    CHECK(at.plane->totals().of(route::RefusedFor::unknown_app) == 1);
  }

  TEST_CASE("tries another instance when one cannot be reached")
  {
    const App app;
    const std::uint16_t nobody = *sys::free_port("127.0.0.1");
    Setting at;
    at.targets[0].forwards = {{80, {route::Address::v4(0x7f000001), nobody}}};
    at.targets[1].forwards = {{80, {route::Address::v4(0x7f000001), app.port()}}};
    at.start();
    for (int i = 0; i < 8; ++i)
      CHECK(at.get(name_of_app(app_id, 80)) == "GET /hello HTTP/1.1");
    CHECK(at.get(name_of_app(instance_id, 80)) != "GET /hello HTTP/1.1");
    CHECK(at.plane->totals().of(route::RefusedFor::unreachable) == 1);
    CHECK(at.targets[0].backend->failures > 0);
  }

  TEST_CASE("passes TLS through without having a certificate")
  {
    Setting at;
    const net::TestTls inside;
    net::with_tls_server(
        {},
        [](const http::Request& request, const net::Responder& to) {
          to.send({200, {}, request.target});
        },
        [&inside] { return inside.serving(); },
        [&](std::uint16_t port) {
          at.start();
          net::TlsClientSettings client;
          client.host = name_of_app(instance_id, port, "s");
          client.pinned_spki = inside.server.spki;
          auto tls = net::TlsClient::connect(
              net::connect_to(at.plane->listening().front().port), client, patience);
          REQUIRE(tls);
          const auto response = tls->exchange(net::request_of("GET", "/inside"), {});
          REQUIRE(response);
          CHECK(response->body == "/inside");
        });
    CHECK(at.plane->totals().of(Count::relayed_passed_through) == 1);
  }

  TEST_CASE("tells the app who is there, where its policy asks for that")
  {
    const App app;
    Setting at;
    at.records[0].policies.reported->rules = {{app.port(), true}};
    at.start();
    const std::string line = at.get(name_of_app(instance_id, app.port()));
    // Version 2, as no header came in: its first line ends after CR LF.
    CHECK(at.plane->totals().of(Count::relayed_terminated) == 1);
    CHECK(line.empty()); // the signature of version 2 begins with an empty line
  }

  TEST_CASE("custom domains go where their records say")
  {
    Setting at;
    std::string asked;
    at.outside.custom_target = [&asked](const std::string& host, const Outside::Answer& answer) {
      asked = host;
      answer(fail(Errc::not_found, "no such record"));
    };
    at.start();
    CHECK(at.get("WWW.Example.Test").find("unrecognized name") != std::string::npos);
    CHECK(asked == "www.example.test");
    CHECK(at.plane->totals().of(route::RefusedFor::no_txt_record) == 1);
  }

  TEST_CASE("a custom domain whose certificate is here ends its TLS here")
  {
    const App app;
    Setting at;
    at.outside.custom_target = [&app](const std::string&, const Outside::Answer& answer) {
      answer(route::CustomTarget{std::string{app_id}, app.port()});
    };
    at.start();
    World world = at.world();
    auto spec = at.root.leaf();
    spec.alt_names = {"www.example.test"};
    const auto identity = at.root.issue(spec);
    world.certificates.push_back(
        {"www.example.test", identity.pem, identity.key_pem, false, true});
    REQUIRE(at.plane->publish(std::move(world)));
    CHECK(at.get("www.example.test") == "GET /hello HTTP/1.1");
    CHECK(at.get("WWW.example.test") == "GET /hello HTTP/1.1");
    CHECK(at.get("a.www.example.test") != "GET /hello HTTP/1.1");
    CHECK(at.plane->totals().of(Count::relayed_terminated) == 2);
  }

  TEST_CASE("drained, it takes no more and goes on with what there is")
  {
    const App app;
    Setting at;
    at.start();
    auto before = at.connect(name_of_app(instance_id, app.port()));
    REQUIRE(before);
    at.plane->drain();
    const std::uint16_t port = at.plane->listening().front().port;
    CHECK(at.becomes([&] { return !sys::connect_tcp("127.0.0.1", port, patience); }));
    const auto response = before->exchange(net::request_of("GET", "/late"), {});
    REQUIRE(response);
    CHECK(response->body == "GET /late HTTP/1.1");
  }

  TEST_CASE("a certificate that cannot be used changes nothing")
  {
    const App app;
    Setting at;
    at.start();
    World broken = at.world();
    broken.certificates[0].key_pem = at.root.issue(at.root.leaf()).key_pem;
    CHECK_FALSE(at.plane->publish(std::move(broken)));
    CHECK(at.get(name_of_app(instance_id, app.port())) == "GET /hello HTTP/1.1");
  }

  TEST_CASE("one source has its limits")
  {
    Setting at;
    at.settings.workers = 1;
    at.settings.sources.max_open = 3;
    at.start();
    const App app;
    std::vector<net::TlsClient> held;
    for (int i = 0; i < 3; ++i) {
      auto one = at.connect(name_of_app(instance_id, app.port()));
      REQUIRE(one);
      held.push_back(*std::move(one));
    }
    CHECK_FALSE(at.connect(name_of_app(instance_id, app.port())));
    CHECK(at.plane->totals().of(Count::source_too_many_open) == 1);
  }
}

} // namespace dstack::proxy
