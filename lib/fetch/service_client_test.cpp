#include "fetch/service_client.hpp"

#include "fetch/test_server.hpp"

namespace dstack::fetch {
namespace {

using std::chrono::milliseconds;

net::Handler answering(int status, std::string retry_after)
{
  return [=](const http::Request&, const net::Responder& to) {
    to.send({status, {{"Retry-After", retry_after}}, "busy"});
  };
}

} // namespace

TEST_SUITE("fetch::ServiceClient")
{
  TEST_CASE("a caller who gives up is not kept waiting for a busy service")
  {
    ::setenv("no_proxy", "127.0.0.1", 1);
    with_server(answering(429, "9"), [](const std::string& base) {
      const sys::Pipe stop = *sys::make_pipe();
      REQUIRE(sys::write_all(stop.write.get(), as_bytes("x")));
      const ServiceClient client{Stop{stop.read.get()}};
      const std::int64_t began = sys::monotonic_ms();
      const auto answer = client.get({base + "/x", "*/*", ""}, sys::Deadline{milliseconds{20'000}});
      REQUIRE_FALSE(answer);
      CHECK(answer.error().message().find("stopped") != std::string::npos);
      CHECK(sys::monotonic_ms() - began < 5000);
    });
  }

  TEST_CASE("no time left is said before anything is asked")
  {
    const ServiceClient client{Stop{}};
    const auto answer =
        client.get({"http://127.0.0.1:1/", "*/*", ""}, sys::Deadline{milliseconds{0}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code() == Errc::timeout);
  }
}

} // namespace dstack::fetch
