#include "guest/gateway_link.hpp"

#include "kmsclient/test_kms.hpp"
#include "net/http_server.hpp"
#include "sys/sockets.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dstack::guest {
namespace {

namespace kms_test = kmsclient::test;

std::string pem_of(const std::vector<Bytes>& chain)
{
  std::string out;
  for (const Bytes& der : chain)
    out += x509::to_pem(der);
  return out;
}

/// A gateway without WireGuard, and a VM that registers with it, in one loop.
struct GatewayWorld {
  std::unique_ptr<sys::Loop> loop = *sys::Loop::create();
  Processes processes{*loop};
  kms_test::Kms kms{};
  std::string answer =
      R"({"wg":{"client_ip":"","servers":[]},"agent":{"domain":"example.com","external_port":443}})";
  std::vector<std::string> seen{};
  bool certified = true;
  int certificates = 0;
  std::vector<std::string> joined{};
  std::vector<std::string> failed{};
  std::unique_ptr<net::HttpServer> server{};
  std::string url{};
  std::unique_ptr<GatewayLink> link{};

  GatewayWorld()
  {
    const auto key = crypto::P256Key::generate();
    const auto tls = *net::TlsServer::create(
        {pem_of(kms.chain(key.spki_der())), key.pkcs8_pem(), x509::to_pem(kms.root_der()), 1});
    server = std::make_unique<net::HttpServer>(
        *loop, net::ServerLimits{}, [this](const http::Request& request, const net::Responder& to) {
          seen.push_back(request.body);
          to.send({200, {}, answer});
        });
    auto listener = *sys::listen_tcp("127.0.0.1", 0);
    url = fmt::format("https://127.0.0.1:{}", *sys::local_port(listener.get()));
    REQUIRE(server->serve_tls(std::move(listener), [tls] { return tls; }));
  }

  void certify(const GatewayLink::OnCertificate& done)
  {
    ++certificates;
    if (!certified) return done(fail(Errc::io, "the KMS is away"));
    const auto key = crypto::P256Key::generate();
    guestapi::Guest::Issued issued;
    issued.key_pem = key.pkcs8_pem();
    for (const Bytes& der : kms.chain(key.spki_der()))
      issued.chain.push_back(x509::to_pem(der));
    done(std::move(issued));
  }

  /// Until the first attempt is over.
  void run(const std::string& at)
  {
    GatewaySettings settings;
    settings.urls = *kmsclient::parse_urls({at}, "gateway");
    settings.root_der = kms.root_der();
    settings.gateway_app_id = hex(kms_test::app_id());
    settings.local = *route::parse_network("10.0.2.0/24");
    settings.policy = {route::PortPolicy::Access::listed, {{80, true}}};
    settings.private_key = Secret<32>{std::array<std::uint8_t, 32>{1}};
    GatewayLink::Outside outside;
    outside.certificate = [this](const GatewayLink::OnCertificate& done) { certify(done); };
    outside.now = [] { return kms_test::now; };
    outside.joined = [this](const std::string& what) { joined.push_back(what); };
    outside.failed = [this](const std::string& why) { failed.push_back(why); };
    link = *GatewayLink::create(*loop, processes, std::move(settings), std::move(outside));
    link->start();
    const auto settled = [this] { return link->settled(); };
    REQUIRE(run_until(*loop, settled, std::chrono::seconds{30}, "the gateway"));
  }
};

} // namespace

TEST_SUITE("guest::GatewayLink")
{
  TEST_CASE("a gateway without WireGuard is registered with, and told the policy")
  {
    GatewayWorld world;
    world.run(world.url);
    CHECK(world.certificates == 1);
    REQUIRE(world.seen.size() == 1);
    CHECK(world.seen[0].find(
              R"("port_policy":{"ports":[{"port":80,"pp":true}],"restrict_mode":true})") !=
          std::string::npos);
    CHECK(world.failed.empty());
    REQUIRE(world.joined.size() == 1);
    CHECK(world.joined[0] ==
          fmt::format("registered with the gateway at {}, which has no WireGuard", world.url));
    CHECK(codec::write_json(world.link->status()) ==
          fmt::format(R"({{"registered":true,"problem":"","url":"{}","domain":"example.com",)"
                      R"("external_port":443,"address":"","heard":false}})",
                      world.url));
  }

  TEST_CASE("what fails is told: nobody there, no certificate, addresses in the VM's own network")
  {
    GatewayWorld nobody;
    nobody.run("https://127.0.0.1:1");
    REQUIRE(nobody.failed.size() == 1);
    CHECK(nobody.failed[0].starts_with("https://127.0.0.1:1: "));
    CHECK(nobody.joined.empty());
    CHECK(*nobody.link->status().get_bool("registered", true) == false);
    CHECK(*nobody.link->status().get_string("problem", "") == nobody.failed[0]);

    GatewayWorld uncertified;
    uncertified.certified = false;
    uncertified.run(uncertified.url);
    CHECK(uncertified.failed == std::vector<std::string>{"certificate: the KMS is away"});
    CHECK(uncertified.seen.empty());

    GatewayWorld hostile;
    hostile.answer =
        R"({"wg":{"client_ip":"10.8.0.7","servers":[{"pk":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",)"
        R"("ip":"10.0.2.3","endpoint":"192.0.2.1:1"}]}})";
    hostile.run(hostile.url);
    CHECK(hostile.failed ==
          std::vector<std::string>{
              "the gateway's network has 10.0.2.3, which is in the VM's own 10.0.2.0/24"});
  }
}

TEST_SUITE("guest::wireguard_key")
{
  TEST_CASE("made once, kept for its owner alone")
  {
    const sys::TestDirectory temp;
    const sys::fs::path file = temp.path / "dstack/wireguard.key";
    const auto first = wireguard_key(file);
    REQUIRE(first);
    CHECK_FALSE(equal(first->view(), Secret<32>{}.view()));
    CHECK(equal(wireguard_key(file)->view(), first->view()));
    struct stat info {};
    REQUIRE(::stat(file.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
    REQUIRE(::stat(file.parent_path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0700U);
  }

  TEST_CASE("a file that holds no key is not replaced: the VM would be another one")
  {
    const sys::TestDirectory temp;
    const sys::fs::path file = temp.path / "wireguard.key";
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 31, 33}) {
      CAPTURE(size);
      REQUIRE(sys::write_file_atomic(file, Bytes(size), sys::Privacy::owner_only));
      CHECK_FALSE(wireguard_key(file));
      CHECK(*sys::file_size(file) == size);
    }
  }
}

} // namespace dstack::guest
