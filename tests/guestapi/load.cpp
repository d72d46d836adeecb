// Load on the guest API: `load SOCKET PID SECONDS CLIENTS` keeps that many clients asking a mix of
// calls, each as soon as its last answer came; `load SOCKET PID SECONDS CLIENTS hostile` does the
// same while thousands of others hold connections, trickle requests and send nonsense.
// Prints one JSON document; ends with 1 when any answer was wrong or missing.
#include "base/text.hpp"
#include "codec/json.hpp"
#include "http/message.hpp"
#include "sys/clock.hpp"
#include "sys/poll.hpp"
#include "sys/sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

using namespace dstack;
using codec::Json;

namespace {

constexpr std::size_t idle_connections = 10'000;
constexpr std::size_t slow_connections = 200;
constexpr std::chrono::milliseconds trickle{500};
constexpr std::chrono::milliseconds sample{1'000};

struct Call {
  const char* method;
  const char* body;
  unsigned weight;
};

/// A signature of the published simulator's key "vms" (spec guest 13.4).
constexpr const char* claim =
    R"({"algorithm":"ed25519","data":"00","signature":")"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    R"(","public_key":"698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d"})";

constexpr std::array<Call, 8> calls = {
    {{"GetKey", R"({"path":"load","purpose":"test"})", 40},
     {"Info", "{}", 10},
     {"GetQuote", R"({"report_data":"0102"})", 10},
     {"Sign", R"({"algorithm":"secp256k1","data":"00"})", 10},
     {"Verify", claim, 10},
     {"GetTlsKey", R"({"subject":"load","usage_ra_tls":true})", 5},
     {"Attest", R"({"report_data":"03"})", 5},
     {"Version", "{}", 10}}};

/// The mix as a fixed order of a hundred calls, well shuffled.
std::vector<std::size_t> schedule()
{
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < calls.size(); ++i)
    out.insert(out.end(), calls[i].weight, i);
  std::vector<std::size_t> mixed;
  for (std::size_t i = 0; i < out.size(); ++i)
    mixed.push_back(out[i * 37 % out.size()]);
  return mixed;
}

std::int64_t microseconds()
{
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

struct Results {
  std::array<std::vector<std::uint32_t>, calls.size()> took; ///< microseconds
  std::uint64_t errors = 0;
  std::string first_error;
  std::vector<std::uint64_t> memory; ///< KiB, once a second
  std::uint64_t reconnects = 0;

  void fail(std::string why)
  {
    if (errors++ == 0) first_error = std::move(why);
  }
};

/// One client: asks, waits for the whole answer, asks again on the same connection.
class Client {
public:
  Client(sys::Loop& loop, std::string socket, Results& results, std::size_t at)
      : loop_(loop), socket_(std::move(socket)), results_(results), at_(at)
  {
    connect();
  }
  ~Client()
  {
    if (fd_) loop_.forget(fd_.get());
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void start() { ask(); }
  void stop() { stopping_ = true; }

private:
  void connect()
  {
    auto fd = sys::connect_unix(socket_);
    if (!fd) return results_.fail(fd.error().message());
    fd_ = *std::move(fd);
    parser_.emplace(http::MessageLimits{});
    static_cast<void>(loop_.watch(fd_.get(), EPOLLIN, [this](std::uint32_t) { read(); }));
  }

  void ask()
  {
    static const std::vector<std::size_t> mix = schedule();
    call_ = mix[at_++ % mix.size()];
    http::Request request;
    request.method = "POST";
    request.target = fmt::format("/{}", calls[call_].method);
    request.headers = {{"Content-Type", "application/json"}};
    request.body = calls[call_].body;
    started_ = microseconds();
    const std::string text = http::write_request(request, "dstack");
    if (!sys::write_all(fd_.get(), as_bytes(text))) results_.fail("the server closed");
  }

  void read()
  {
    const auto data = sys::read_some(fd_.get(), 65'536);
    if (!data || data->empty()) {
      loop_.forget(fd_.get());
      fd_.reset();
      if (!parser_->headers_complete() && !stopping_) {
        // An idle connection may be ended for a new one; a client then asks again.
        ++results_.reconnects;
        connect();
        return ask();
      }
      return results_.fail("an answer was cut off");
    }
    if (!parser_->feed(as_text(*data))) return results_.fail("no HTTP answer");
    if (!parser_->complete()) return;
    const http::Response response = parser_->take();
    parser_.emplace(http::MessageLimits{});
    results_.took.at(call_).push_back(static_cast<std::uint32_t>(microseconds() - started_));
    if (response.status != 200)
      results_.fail(fmt::format("{}: {} {}", calls[call_].method, response.status, response.body));
    if (!stopping_) ask();
  }

  sys::Loop& loop_;
  std::string socket_;
  Results& results_;
  std::size_t at_;
  std::size_t call_ = 0;
  std::int64_t started_ = 0;
  sys::Fd fd_;
  std::optional<http::ResponseParser> parser_;
  bool stopping_ = false;
};

std::uint64_t resident_kib(const std::string& pid)
{
  const auto text = sys::read_text("/proc/" + pid + "/status", 65'536);
  if (!text) return 0;
  const auto at = text->find("VmRSS:");
  return at == std::string::npos ? 0 : std::strtoull(text->c_str() + at + 6, nullptr, 10);
}

/// Sends text as it stands; the status of the answer, 0 when the server only closed.
int status_of(const std::string& socket, const std::string& text)
{
  const auto fd = sys::connect_unix(socket);
  if (!fd) return -1;
  static_cast<void>(sys::write_all(fd->get(), as_bytes(text)));
  ::shutdown(fd->get(), SHUT_WR);
  const auto answer = sys::read_to_end(fd->get(), 1 << 20);
  if (!answer || answer->size() < 12) return 0;
  return std::atoi(std::string{as_text(*answer).substr(9, 3)}.c_str());
}

/// Connections that ask nothing, and some that trickle a header without end.
class Crowd {
public:
  Crowd(sys::Loop& loop, const std::string& socket) : loop_(loop)
  {
    for (std::size_t i = 0; i < slow_connections; ++i)
      if (auto fd = sys::connect_unix(socket); fd) slow_.push_back(*std::move(fd));
    for (const sys::Fd& fd : slow_)
      static_cast<void>(sys::write_all(fd.get(), as_bytes("POST /GetKey HTTP/1.1\r\nHost: a\r\n")));
    while (idle_.size() < idle_connections) {
      auto fd = sys::connect_unix(socket);
      if (!fd) break;
      idle_.push_back(*std::move(fd));
    }
    drip();
  }
  std::size_t size() const { return idle_.size(); }

private:
  void drip()
  {
    for (const sys::Fd& fd : slow_)
      static_cast<void>(::send(fd.get(), "X", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
    loop_.after(trickle, [this] { drip(); });
  }
  sys::Loop& loop_;
  std::vector<sys::Fd> slow_;
  std::vector<sys::Fd> idle_;
};

Json nonsense(const std::string& socket)
{
  const auto post = [](std::size_t size) {
    return fmt::format("POST /GetKey HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", size) +
           std::string(size, 'x');
  };
  Json out;
  out.set("body of 11 MiB", status_of(socket, post(std::size_t{11} << 20U)));
  out.set("no HTTP", status_of(socket, std::string("\x16\x03\x01\0\xff nonsense\r\n\r\n", 20)));
  out.set("header of 1 MiB",
          status_of(socket, "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\n\r\n"));
  out.set("two lengths",
          status_of(socket, "POST /GetKey HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                            "Content-Length: 2\r\n\r\nxx"));
  out.set("half a request", status_of(socket, "POST /GetKey HT"));
  return out;
}

Json summary(Results& results)
{
  Json out;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto& took = results.took[i];
    std::sort(took.begin(), took.end());
    const auto at = [&](double part) {
      return took.empty() ? 0.0
                          : took[static_cast<std::size_t>(part * double(took.size() - 1))] / 1000.0;
    };
    out.set(calls[i].method, Json{}
                                 .set("count", std::uint64_t{took.size()})
                                 .set("p50_ms", at(0.5))
                                 .set("p99_ms", at(0.99))
                                 .set("max_ms", at(1.0)));
  }
  return out;
}

std::uint64_t total(const Results& results)
{
  std::uint64_t out = 0;
  for (const auto& took : results.took)
    out += took.size();
  return out;
}

} // namespace

int main(int argc, char** argv)
{
  if (argc < 5) {
    fmt::print(stderr, "usage: load SOCKET PID SECONDS CLIENTS [hostile]\n");
    return 2;
  }
  const std::vector<std::string> words(argv, argv + argc);
  const bool hostile = argc > 5 && words[5] == "hostile";
  ::signal(SIGPIPE, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto loop = *sys::Loop::create();
  Results results;
  Json out;
  std::optional<Crowd> crowd;
  if (hostile) {
    crowd.emplace(*loop, words[1]);
    out.set("idle_connections", std::uint64_t{crowd->size()});
  }
  std::vector<std::unique_ptr<Client>> clients;
  const std::uint64_t wanted = *parse_u64(words[4]);
  for (std::uint64_t i = 0; i < wanted; ++i)
    clients.push_back(std::make_unique<Client>(*loop, words[1], results, i * 7));
  for (const auto& client : clients)
    client->start();
  const std::function<void()> look = [&] {
    results.memory.push_back(resident_kib(words[2]));
    loop->after(sample, look);
  };
  look();
  if (hostile) loop->after(sample, [&] { out.set("nonsense", nonsense(words[1])); });
  const auto seconds = static_cast<std::int64_t>(*parse_u64(words[3]));
  loop->after(std::chrono::seconds{seconds}, [&] { loop->stop(); });
  static_cast<void>(loop->run());
  for (const auto& client : clients)
    client->stop();
  out.set("seconds", seconds).set("clients", wanted).set("calls", total(results));
  out.set("errors", results.errors).set("first_error", printable(results.first_error));
  out.set("reconnects", results.reconnects);
  Json memory = Json::array();
  const std::size_t step = std::max<std::size_t>(results.memory.size() / 6, 1);
  for (std::size_t i = 0; i < results.memory.size(); i += step)
    memory.push(results.memory[i]);
  out.set("server_kib", std::move(memory));
  out.set("latency", summary(results));
  fmt::print("{}\n", codec::write_json(out, {.indent = 2}));
  return results.errors == 0 ? 0 : 1;
}
