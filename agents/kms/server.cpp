#include "agents/kms/server.hpp"

#include "agents/kms/custody_shelf.hpp"
#include "agents/kms/deployment.hpp"
#include "agents/kms/version.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

namespace dstack::kmsnode {

namespace {

using std::chrono::milliseconds;

/// A request that waited this long is not begun any more: its client has most likely gone.
constexpr std::int64_t longest_wait_ms = 20'000;
constexpr milliseconds reading_time{50}; ///< for peers to read what was just sent
constexpr double per_second = 1000.0;
/// The largest request is a certificate's, with its attestation as hex: some 100 KiB. Thousands of
/// connections may each hold one.
constexpr std::size_t max_request = std::size_t{1} << 20U;
constexpr std::size_t max_share_body = std::size_t{64} << 10U;

http::Response plain(int status, std::string text)
{
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

http::Response json(int status, const codec::Json& body)
{
  return {status, {{"Content-Type", "application/json"}}, codec::write_json(body) + "\n"};
}

http::Response json_error(int status, std::string_view why)
{
  return json(status, codec::Json{}.set("error", printable(why)));
}

net::ServerLimits limits_of(const kms::ServerBounds& bounds)
{
  net::ServerLimits out;
  out.max_connections = bounds.connections;
  out.max_per_address = bounds.per_address;
  out.request = bounds.request;
  out.message.max_body_bytes = max_request;
  return out;
}

} // namespace

/// One request while a worker has it.
struct Server::Job {
  http::Request request{};
  kmsapi::Origin origin{};
  std::shared_ptr<const kmsapi::State> state{};
  std::int64_t since_ms = 0;
  http::Response response{};
};

Server::Server(sys::Loop& loop, Node& node)
    : loop_(loop), node_(node), limit_(node.settings().limits.requests_per_minute),
      version_(fmt::format("v{}", product_version)),
      shares_(shares_to_fetch(node.below(shares_directory))),
      http_(std::make_unique<net::HttpServer>(
          loop,
          limits_of(node.settings().limits),
          [this](http::Request request, const net::Responder& to) {
            handle(std::move(request), to);
          }))
{
}

Status Server::listen(const std::string& address)
{
  kms::ListenAddress where = node_.settings().listen;
  if (!address.empty()) where = TRY(kms::parse_listen(address));
  sys::Fd listener = TRY(sys::listen_tcp(where.address, where.port).within("listen"));
  const bool v6 = where.address.find(':') != std::string::npos;
  url_ = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", where.address, v6 ? "]" : "",
                     TRY(sys::local_port(listener.get())));
  return http_->serve_tls(std::move(listener), [this] { return node_.tls(); });
}

void Server::send(const net::Responder& to, http::Response response) const
{
  response.headers.push_back({"X-App-Version", version_});
  to.send(std::move(response));
}

void Server::handle(http::Request request, const net::Responder& to)
{
  const std::string_view path = request.path();
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (path == "/health" && get)
    return send(to, node_.sealed() ? plain(503, "sealed\n") : plain(200, "OK"));
  if (path == "/metrics" && get && node_.settings().metrics) {
    kmsapi::Metrics::Now now;
    now.sealed = node_.sealed();
    now.waiting = under_way_;
    now.epoch = now.sealed ? 0 : node_.state()->root->open.current_epoch();
    now.self_attested_at = node_.self_attested_at();
    now.audit_left_out = node_.audit_left_out();
    http::Response answer = plain(200, node_.metrics().text(now));
    answer.headers[0].value = "text/plain; version=0.0.4; charset=utf-8";
    return send(to, std::move(answer));
  }
  if (path == "/unseal") return unseal(request, to);
  if (path == "/shares" && get) return shares(request, to);
  if (!kmsapi::is_rpc(request)) return send(to, json_error(404, "no such path"));
  rpc(std::move(request), to);
}

bool Server::may_ask(const http::Request& request, const net::Responder& to)
{
  if (draining_) {
    send(to, rpc::refusal(request, 503, "the KMS is stopping"));
    return false;
  }
  if (limit_.take(to.peer().address, sys::monotonic_ms())) return true;
  ++node_.metrics().counters.rate_limited;
  http::Response answer =
      rpc::refusal(request, 429,
                   fmt::format("too many requests from {} (limit {} a minute): try again later",
                               to.peer().address, node_.settings().limits.requests_per_minute));
  answer.headers.push_back({"Retry-After", "10"});
  send(to, std::move(answer));
  return false;
}

void Server::rpc(http::Request request, const net::Responder& to)
{
  if (!may_ask(request, to)) return;
  const auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->origin = {to.peer().address, to.peer().certificate};
  job->state = node_.state();
  job->since_ms = sys::monotonic_ms();
  // The node outlives the workers, this server need not.
  const auto work = [job, &node = node_] {
    if (sys::monotonic_ms() - job->since_ms > longest_wait_ms)
      job->response = rpc::refusal(job->request, 503, "the KMS is busy: waited too long");
    else
      job->response = kmsapi::answer_rpc(node.outside(), node.arrangement(), job->state,
                                         job->request, job->origin, node.metrics());
    wipe_stack();
  };
  const auto done = [job, to, this] {
    --under_way_;
    node_.metrics().took(static_cast<double>(sys::monotonic_ms() - job->since_ms) / per_second);
    send(to, std::move(job->response));
    if (under_way_ == 0) drained();
  };
  if (node_.workers().run(work, done)) {
    ++under_way_;
    return;
  }
  ++node_.metrics().counters.busy;
  http::Response answer = rpc::refusal(job->request, 503, "the KMS is busy: try again soon");
  answer.headers.push_back({"Retry-After", "1"});
  send(to, std::move(answer));
}

/// GET tells custodians whom they would trust, POST takes a share (sealed to the key in GET's
/// document).
void Server::unseal(const http::Request& request, const net::Responder& to)
{
  if (!may_ask(request, to)) return;
  const auto unsealing = node_.unsealing();
  if (!unsealing)
    return send(to, json_error(404, node_.sealed() ? "the root waits for its passphrase"
                                                   : "the root is open: no share is wanted"));
  if (request.method == "GET") return send(to, json(200, kmsapi::to_json(unsealing->document())));
  if (request.method != "POST") return send(to, json_error(405, "GET or POST"));
  if (request.body.size() > max_share_body)
    return send(to, json_error(413, "too long for a share"));
  node_.add_share(to_bytes(request.body), to.peer().address,
                  [this, to](const Result<std::string>& came) {
                    const bool busy = !came && came.error().code() == Errc::timeout;
                    if (!came)
                      return send(to, json_error(busy ? 503 : 403, came.error().message()));
                    codec::Json answer;
                    answer.set("schema", "dstack.kms.unseal.answer/1").set("progress", *came);
                    answer.set("open", !node_.sealed());
                    send(to, json(200, answer));
                  });
}

void Server::shares(const http::Request& request, const net::Responder& to)
{
  if (may_ask(request, to)) send(to, json(200, shares_));
}

void Server::drain(milliseconds deadline, std::function<void()> done)
{
  draining_ = true;
  when_drained_ = std::move(done);
  drain_timer_ = loop_.after(deadline, [this] { drained(); });
  if (under_way_ == 0) drained();
}

void Server::drained()
{
  if (!when_drained_) return;
  loop_.cancel(drain_timer_);
  loop_.after(reading_time, std::exchange(when_drained_, nullptr));
}

} // namespace dstack::kmsnode
