#pragma once
/// A server on the loopback interface for the tests of this folder.

#include "net/http_server.hpp"
#include "sys/sockets.hpp"
#include "sys/threads.hpp"

#include <doctest/doctest.h>

namespace dstack::fetch {

/// Runs client against handler on 127.0.0.1; the base URL has no slash at its end.
inline void with_server(const net::Handler& handler,
                        const std::function<void(const std::string& base)>& client,
                        const net::ServerLimits& server_limits = {})
{
  const auto loop = *sys::Loop::create();
  net::HttpServer server{*loop, server_limits, handler};
  auto listener = *sys::listen_tcp("127.0.0.1", 0);
  const std::string base = fmt::format("http://127.0.0.1:{}", *sys::local_port(listener.get()));
  REQUIRE(server.serve(std::move(listener)));
  loop->after(std::chrono::seconds{20}, [&] { loop->stop(); });
  sys::Pipe done = *sys::make_pipe();
  REQUIRE(loop->watch(done.read.get(), 1, [&](std::uint32_t) { loop->stop(); }));
  CHECK(sys::run_parallel({[&]() -> Status { return loop->run(); },
                           [&]() -> Status {
                             client(base);
                             return sys::write_all(done.write.get(), as_bytes("x"));
                           }},
                          2));
}

} // namespace dstack::fetch
