// Load on a KMS: `kms_load URL CERTIFICATE KEY TEMP-CA.json TEE-DIRECTORY PID SECONDS` asks
// GetAppKey over and over, each time with a new connection, a full handshake and a client
// certificate that carries an attestation; then again while 1,000 slow clients hold connections.
// Beside it stands the floor, measured in the same run: a handshake of a bare OpenSSL server that
// verifies the same client certificate, and the verification of the same quote with its collateral
// proven already. Everything counts in processor time of the server, so that clients on the same
// machine do not distort it. Prints one JSON document.
#include "attest/ratls.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"
#include "dcap/verify.hpp"
#include "floor.hpp"
#include "kmsclient/answers.hpp"
#include "kmsclient/url.hpp"
#include "net/tls.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"
#include "tee/sim_trust.hpp"
#include "x509/certificate.hpp"
#include "x509/read.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace dstack;
using codec::Json;

namespace {

constexpr unsigned client_threads = 8;
constexpr unsigned slow_clients = 1000;
constexpr int floor_handshakes = 1500;
constexpr int floor_verifications = 3000;

struct Target {
  kmsclient::Url url{};
  kms_load::Client client{};
};

/// Milliseconds since some moment.
double clock_ms()
{
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Round {
  std::vector<double> ms{};
  std::uint64_t errors = 0;
  std::string first_error{};
};

Result<http::Response> get_app_key(const Target& target)
{
  constexpr std::chrono::milliseconds deadline{30'000};
  net::TlsClientSettings settings;
  settings.chain_pem = target.client.chain_pem;
  settings.key_pem = target.client.key_pem;
  sys::Fd tcp = TRY(sys::connect_tcp(target.url.host, target.url.port, deadline));
  auto connection = TRY(net::TlsClient::connect(std::move(tcp), settings, deadline));
  http::Request request;
  request.method = "POST";
  request.target = "/prpc/GetAppKey?json";
  request.headers = {{"Connection", "close"}};
  request.body = R"({"api_version":1})";
  return connection.exchange(request, {deadline, {}});
}

/// Asks until the time is over; every answer must hold keys.
Round load(const Target& target, std::chrono::milliseconds time)
{
  std::vector<Round> rounds(client_threads);
  const sys::Deadline end{time};
  std::vector<std::thread> threads;
  for (Round& mine : rounds)
    threads.emplace_back([&target, &mine, &end] {
      while (!end.passed()) {
        const double start = clock_ms();
        const auto answer = get_app_key(target);
        mine.ms.push_back(clock_ms() - start);
        if (answer && answer->status == 200 &&
            answer->body.find("\"k256_key\"") != std::string::npos)
          continue;
        if (mine.errors++ == 0) mine.first_error = answer ? answer->body : answer.error().message();
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  Round all;
  for (Round& one : rounds) {
    all.ms.insert(all.ms.end(), one.ms.begin(), one.ms.end());
    if (all.errors == 0) all.first_error = one.first_error;
    all.errors += one.errors;
  }
  std::sort(all.ms.begin(), all.ms.end());
  return all;
}

double percentile(const std::vector<double>& sorted, double part)
{
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

/// Seconds of processor time of a process, all its threads together.
Result<double> cpu_seconds(const std::string& pid)
{
  double total = 0;
  std::error_code error;
  for (const auto& entry : sys::fs::directory_iterator{"/proc/" + pid + "/task", error}) {
    const auto line = sys::read_text(entry.path() / "schedstat", 4096);
    if (!line) continue; // a thread that ended
    total += static_cast<double>(TRY(parse_u64(line->substr(0, line->find(' '))))) / 1e9;
  }
  if (error) return fail(Errc::io, "/proc/{}/task: {}", pid, error.message());
  return total;
}

Result<Json> measure(const Target& target, const std::string& pid, std::chrono::milliseconds time)
{
  const double before = TRY(cpu_seconds(pid));
  const double start = clock_ms();
  const Round round = load(target, time);
  const double wall = (clock_ms() - start) / 1000;
  const double cpu = TRY(cpu_seconds(pid)) - before;
  const auto count = static_cast<double>(round.ms.size());
  Json out;
  out.set("requests", std::uint64_t{round.ms.size()});
  out.set("errors", round.errors).set("first_error", round.first_error);
  out.set("seconds", wall).set("cpu_us", cpu * 1e6 / count).set("per_cpu_second", count / cpu);
  out.set("p50_ms", percentile(round.ms, 0.5)).set("p99_ms", percentile(round.ms, 0.99));
  out.set("max_ms", round.ms.empty() ? 0.0 : round.ms.back());
  return out;
}

/// Connections that never finish what they begin, from many addresses of the loopback network: a
/// third says nothing, a third half a ClientHello, a third trickles a byte now and then.
class SlowClients {
public:
  SlowClients(const kmsclient::Url& url, unsigned count)
  {
    for (unsigned i = 0; i < count; ++i) {
      sys::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      sockaddr_in from{};
      from.sin_family = AF_INET;
      from.sin_addr.s_addr = htonl(0x7f010000U + 1U + i % 200U);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(url.port);
      ::inet_pton(AF_INET, url.host.c_str(), &to.sin_addr);
      if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) continue;
      if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) continue;
      if (i % 3 != 0) send_bytes(fd.get(), 6);
      fds_.push_back(std::move(fd));
    }
    trickle_ = std::thread{[this] {
      while (!over_) {
        for (std::size_t i = 2; i < fds_.size() && !over_; i += 3) {
          send_bytes(fds_[i].get(), 1);
          std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
      }
    }};
  }
  ~SlowClients()
  {
    over_ = true;
    trickle_.join();
  }
  SlowClients(const SlowClients&) = delete;
  SlowClients& operator=(const SlowClients&) = delete;
  std::size_t count() const { return fds_.size(); }

private:
  /// Of the head of a TLS record that announces 512 bytes.
  static void send_bytes(int fd, std::size_t size)
  {
    constexpr std::array<std::uint8_t, 6> head{0x16, 0x03, 0x01, 0x02, 0x00, 0x01};
    static_cast<void>(::send(fd, head.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT));
  }

  std::vector<sys::Fd> fds_;
  std::atomic<bool> over_ = false;
  std::thread trickle_;
};

/// The verification that remains when the collateral is proven: what a KMS cannot leave out.
Result<double> verification_us(const Target& target, const std::string& tee_directory)
{
  const Bytes leaf = TRY(x509::first_certificate(as_bytes(target.client.chain_pem)));
  const attest::RaTls certificate = TRY(attest::parse_ratls(leaf));
  const auto trust = TRY(tee::read_sim_trust(tee_directory));
  if (!trust) return fail(Errc::not_found, "{}: no simulated TEE", tee_directory);
  const dcap::Collateral collateral = TRY(dcap::collateral_from_json(trust->collateral));
  dcap::Verifier verifier{TRY(dcap::Anchor::from_file(trust->root))};
  const Bytes& quote = certificate.attestation.quote;
  const std::int64_t now = sys::now().seconds();
  const auto first = verifier.verify(quote, collateral, now);
  if (!first.report) return *first.error;
  const double before = kms_load::own_cpu_seconds();
  for (int i = 0; i < floor_verifications; ++i)
    if (!verifier.verify(quote, collateral, now).report)
      return fail(Errc::internal, "a quote that verified does not any more");
  return (kms_load::own_cpu_seconds() - before) * 1e6 / floor_verifications;
}

Result<Json> run(const std::vector<std::string>& words)
{
  constexpr std::size_t max_pem = std::size_t{1} << 20U;
  Target target;
  target.url = TRY(kmsclient::parse_url(words[1]));
  target.client.chain_pem = TRY(sys::read_text(words[2], max_pem));
  target.client.key_pem = TRY(sys::read_text(words[3], max_pem));
  const auto authority = TRY(kmsclient::parse_temp_ca(TRY(sys::read_text(words[4], max_pem))));
  target.client.authority_pem = x509::to_pem(authority.certificate.der);
  const std::string& pid = words[6];
  const std::chrono::milliseconds time{1000 * TRY(parse_u64(words[7]))};
  const double handshake = TRY(kms_load::handshake_us(target.client, floor_handshakes));
  const double verification = TRY(verification_us(target, words[5]));
  static_cast<void>(load(target, std::chrono::milliseconds{500}));
  const Json calm = TRY(measure(target, pid, time));
  const SlowClients slow{target.url, slow_clients};
  Json beside = TRY(measure(target, pid, time));
  beside.set("slow_clients", std::uint64_t{slow.count()});
  const double cost = TRY(calm.find("cpu_us")->as_double());
  Json floor;
  floor.set("handshake_us", handshake).set("verification_us", verification);
  Json out;
  out.set("floor", std::move(floor)).set("get_app_key", calm);
  out.set("ratio", cost / (handshake + verification)).set("beside_slow", std::move(beside));
  return out;
}

} // namespace

int main(int argc, char** argv)
{
  ::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() != 8) {
    fmt::print(stderr, "usage: kms_load URL CERTIFICATE KEY TEMP-CA.json TEE-DIRECTORY PID SECONDS\n");
    return 2;
  }
  const auto result = run(words);
  if (!result) {
    fmt::print(stderr, "kms_load: {}\n", result.error().message());
    return 1;
  }
  fmt::print("{}\n", codec::write_json(*result, {2, {}, {}}));
  return 0;
}
