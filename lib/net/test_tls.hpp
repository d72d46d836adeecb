#pragma once
/// Certificates and a TLS server on the loopback interface, for tests.

#include "net/http_server.hpp"
#include "net/test_http.hpp"
#include "sys/clock.hpp"
#include "sys/threads.hpp"
#include "x509/app_certificate.hpp"

#include <doctest/doctest.h>

namespace dstack::net {

struct TestIdentity {
  std::string pem{};
  Bytes der{};
  std::string key_pem{};
  Bytes spki{};
};

/// An authority for one test.
class TestAuthority {
public:
  explicit TestAuthority(std::string name)
      : name_(std::move(name)), key_(crypto::P256Key::generate()), pem_(certificate_pem(0))
  {
  }
  const std::string& pem() const { return pem_; }
  const crypto::P256Key& key() const { return key_; }
  /// Another certificate of the same name and key.
  std::string certificate_pem(std::int64_t later) const
  {
    x509::AppCertificateSpec spec;
    spec.subject = {"", name_};
    spec.issuer = {"", name_};
    spec.ca_path_length = 1;
    spec.not_before = x509::default_not_before + later;
    spec.not_after = in_days(30);
    return x509::to_pem(*x509::make_app_certificate(spec, key_.spki_der(), key_));
  }
  /// Valid for 30 days and for localhost, unless changed.
  x509::AppCertificateSpec leaf() const
  {
    x509::AppCertificateSpec spec;
    spec.subject = {"", "leaf"};
    spec.issuer = {"", name_};
    spec.alt_names = {"localhost", "127.0.0.1"};
    spec.not_after = in_days(30);
    return spec;
  }
  TestIdentity issue(const x509::AppCertificateSpec& spec) const
  {
    const auto key = crypto::P256Key::generate();
    TestIdentity out;
    out.spki = key.spki_der();
    out.der = *x509::make_app_certificate(spec, out.spki, key_);
    out.pem = x509::to_pem(out.der);
    out.key_pem = key.pkcs8_pem();
    return out;
  }
  static std::int64_t in_days(int days)
  {
    constexpr std::int64_t day = 86'400;
    return sys::now().ms / 1000 + days * day;
  }

private:
  std::string name_;
  crypto::P256Key key_;
  std::string pem_;
};

/// A name for itself, a server certificate, and an authority for clients.
struct TestTls {
  TestAuthority root{"Test Root"};
  TestAuthority clients{"Test Clients"};
  TestIdentity server = root.issue(root.leaf());
  TestIdentity client = clients.issue(clients.leaf());

  std::shared_ptr<const TlsServer> serving() const
  {
    return *TlsServer::create({server.pem, server.key_pem, clients.pem()});
  }
  TlsClientSettings trusting() const
  {
    TlsClientSettings out;
    out.trust_pem = root.pem();
    out.host = "localhost";
    return out;
  }
  TlsClientSettings with_certificate(const TestIdentity& identity) const
  {
    TlsClientSettings out = trusting();
    out.chain_pem = identity.pem;
    out.key_pem = identity.key_pem;
    return out;
  }
};

inline sys::Fd connect_to(std::uint16_t port)
{
  return *sys::connect_tcp("127.0.0.1", port, std::chrono::milliseconds{5000});
}

/// Runs a loop that serves, for as long as the client beside it takes, half a minute at most.
inline void with_loop(sys::Loop& loop, const std::function<void()>& client)
{
  loop.after(std::chrono::seconds{30}, [&] { loop.stop(); });
  sys::Pipe done = *sys::make_pipe();
  REQUIRE(loop.watch(done.read.get(), 1, [&](std::uint32_t) { loop.stop(); }));
  CHECK(sys::run_parallel({[&]() -> Status { return loop.run(); },
                           [&]() -> Status {
                             client();
                             return sys::write_all(done.write.get(), as_bytes("x"));
                           }},
                          2));
}

/// Runs client against handler, served on a port of 127.0.0.1.
inline void with_tls_server(const ServerLimits& limits,
                            const Handler& handler,
                            const std::function<std::shared_ptr<const TlsServer>()>& current,
                            const std::function<void(std::uint16_t port)>& client)
{
  const auto loop = *sys::Loop::create();
  HttpServer server{*loop, limits, handler};
  auto listener = *sys::listen_tcp("127.0.0.1", 0);
  const std::uint16_t port = *sys::local_port(listener.get());
  REQUIRE(server.serve_tls(std::move(listener), current));
  with_loop(*loop, [&] { client(port); });
}

} // namespace dstack::net
