#include "guestsite/site.hpp"

#include "sys/sockets.hpp"

#include <doctest/doctest.h>
#include <sys/epoll.h>

namespace dstack::guestsite {
namespace {

constexpr std::chrono::milliseconds moment{2000};

/// What the port answers to this beginning of a request, as far as it comes within a moment.
std::string answer_to(const std::string& beginning)
{
  const auto loop = *sys::Loop::create();
  ExternalSite site;
  site.worker.mount = "/prpc/";
  sys::Fd listener = *sys::listen_tcp("127.0.0.1", 0);
  const std::uint16_t port = *sys::local_port(listener.get());
  const auto server = *serve_external_port(*loop, site, std::move(listener));
  const sys::Fd client = *sys::connect_tcp("127.0.0.1", port, moment);
  REQUIRE(sys::write_all(client.get(), as_bytes(beginning)));
  std::string out;
  REQUIRE(loop->watch(client.get(), EPOLLIN, [&](std::uint32_t) {
    const auto data = sys::read_some(client.get(), 4096);
    if (data) out += as_text(*data);
    loop->stop();
  }));
  loop->after(moment, [&] { loop->stop(); });
  REQUIRE(loop->run());
  loop->forget(client.get());
  return out;
}

} // namespace

TEST_SUITE("guestsite::site")
{
  TEST_CASE("a request that anybody sends may take little memory")
  {
    const std::string post = "POST /prpc/Worker.Info HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    CHECK(answer_to(post + "2\r\n\r\n{}").find("Service not found") != std::string::npos);
    CHECK(answer_to(post + "65537\r\n\r\n").find("payload too large") != std::string::npos);
  }
}

} // namespace dstack::guestsite
