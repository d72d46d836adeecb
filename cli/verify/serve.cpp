#include "cli/verify/serve.hpp"

#include "cli/address.hpp"
#include "net/http_server.hpp"
#include "sys/sockets.hpp"
#include "sys/spawn.hpp"
#include "sys/threads.hpp"
#include "verify/reference_api.hpp"

#include <csignal>
#include <sys/epoll.h>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t max_request = std::size_t{16} << 20U;

http::Response json_answer(int status, const codec::Json& body)
{
  return {status, {{"Content-Type", "application/json"}}, codec::write_json(body) + "\n"};
}

http::Response answer(Worker& worker, const http::Request& request)
{
  if (request.path() == "/health" && request.method == "GET")
    return json_answer(200,
                       codec::Json::object().set("status", "ok").set("service", "dstack-verifier"));
  if (request.path() != "/verify")
    return json_answer(404, codec::Json::object().set("error", "no such page"));
  if (request.method != "POST")
    return json_answer(405, codec::Json::object().set("error", "POST evidence here"));
  // The reference verifier answers 200 whatever the verdict (spec host 6.1).
  const auto evidence = attest::recognise(as_bytes(request.body));
  if (!evidence) return json_answer(200, verify::reference_refusal(evidence.error().message()));
  const Judged judged = worker.judge_evidence("request", *evidence);
  return json_answer(200, verify::reference_answer(*evidence, judged.proven));
}

net::ServerLimits limits()
{
  net::ServerLimits out;
  out.message.max_body_bytes = max_request;
  return out;
}

/// One thread's server; ends when the other end of `until` closes.
Status serve_one(sys::Loop& loop, int listener, int until, const Session& session, Context& ctx)
{
  Worker worker{session, ctx};
  net::HttpServer server{loop, limits(),
                         [&](const http::Request& request, const net::Responder& to) {
                           to.send(answer(worker, request));
                         }};
  TRY(server.serve(sys::Fd{::dup(listener)}));
  TRY(loop.watch(until, EPOLLIN, [&](std::uint32_t) { loop.stop(); }));
  return loop.run();
}

} // namespace

Result<Exit>
serve_verifier(const std::string& address, const Session& session, Context& ctx, unsigned threads)
{
  const Address where = TRY(parse_address("--serve", address));
  const sys::Fd listener = TRY(sys::listen_tcp(where.host, where.port).within("--serve"));
  sys::Pipe ending = TRY(sys::make_pipe());
  // Signals are blocked before any thread starts, so that they reach this loop alone.
  const auto first = TRY(sys::Loop::create());
  TRY(first->on_signals({SIGINT, SIGTERM}, [&](int) { ending.write.reset(); }));
  const std::uint16_t port = TRY(sys::local_port(listener.get()));
  ctx.ui().note(fmt::format("listening on {}:{} (POST /verify, GET /health); policy {}", where.host,
                            port, session.question.policy.name));
  std::vector<std::function<Status()>> tasks;
  tasks.emplace_back(
      [&] { return serve_one(*first, listener.get(), ending.read.get(), session, ctx); });
  for (unsigned i = 1; i < threads; ++i)
    tasks.emplace_back([&]() -> Status {
      const auto loop = TRY(sys::Loop::create());
      return serve_one(*loop, listener.get(), ending.read.get(), session, ctx);
    });
  TRY(sys::run_parallel(tasks, threads));
  return Exit::ok;
}

} // namespace dstack::cli
