// Load on a TLS gateway, from one thread:
//   gateway_load ROW ADDRESS NAME CONNECTIONS SECONDS PROXY-PID PROCESSOR [OWN-PID…]
// ROW is one of
//   hs         a new connection with a full TLS 1.3 handshake each time, then reset
//   hs+req     the same with one request through to the origin
//   tlsreq     requests over kept-alive TLS connections
//   tlsbulk    TLS connections that download zero bytes; ciphertext is counted, not decrypted
//   conn       passed through: connect, ClientHello, 128 bytes back, reset
//   pp         passed through: 100 bytes out, 128 back, over kept connections
//   rawbulk    passed through: bytes pulled after a ClientHello, counted and not copied
//   idle       memory of the proxy for each TLS connection that rests after one request
//   idle-pass  the same for passed-through ones
// NAME is the host that is asked for. Figures are for one second of the proxy's processor time, as
// a client costs more than a server and is the limit on the same machine. Prints one JSON document
// with the processor time that neither the proxy, nor we, nor the OWN-PIDs (origins) used: it
// disturbs.
#include "client.hpp"
#include "cpu.hpp"
#include "tool.hpp"

#include "codec/json.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <unistd.h>

namespace dstack::gateway_load {
namespace {

using codec::Json;

constexpr std::int64_t warm_up_ms = 1'000;
/// Until a proxy that gives memory back after a while has done so.
constexpr std::int64_t settle_ms = 2'000;
constexpr std::int64_t patience_ms = 60'000;
constexpr std::size_t begun_at_once = 32;

struct Settings {
  std::string row_name{};
  Task task{};
  unsigned connections = 0;
  std::int64_t time_ms = 0;
  int proxy = 0;
  unsigned processor = 0;
  std::vector<int> own{};
};

/// Processor time so far.
struct Spent {
  double proxy = 0;
  double own = 0; ///< with the proxy's
  double machine = 0;
  double processor = 0;
};

Result<Spent> spent(const Settings& settings)
{
  Spent out;
  out.proxy = TRY(process_seconds(settings.proxy));
  out.own = out.proxy + TRY(process_seconds(::getpid()));
  for (const int pid : settings.own)
    out.own += TRY(process_seconds(pid));
  out.machine = TRY(machine_seconds());
  out.processor = TRY(processor_seconds(settings.processor));
  return out;
}

double percentile_us(const std::vector<float>& sorted, double part)
{
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[std::min(sorted.size() - 1, at)]);
}

Json report(
    const Settings& settings, Tally& tally, const Spent& before, const Spent& after, double seconds)
{
  std::sort(tally.microseconds.begin(), tally.microseconds.end());
  const bool bulk = settings.task.kind == Kind::bulk;
  const auto count =
      bulk ? static_cast<double>(tally.bytes) / 1e6 : static_cast<double>(tally.done);
  const double cpu = after.proxy - before.proxy;
  const double foreign = (after.machine - before.machine) - (after.own - before.own);
  return Json{}
      .set("row", settings.row_name)
      .set("connections", settings.connections)
      .set("unit", bulk ? "MB" : "operations")
      .set("count", count)
      .set("seconds", seconds)
      .set("per_second", count / seconds)
      .set("per_proxy_second", cpu > 0 ? count / cpu : 0.0)
      .set("proxy_share", cpu / seconds)
      .set("processor_share", (after.processor - before.processor) / seconds)
      .set("foreign_share", std::max(foreign, 0.0) / seconds)
      .set("p50_us", percentile_us(tally.microseconds, 0.5))
      .set("p99_us", percentile_us(tally.microseconds, 0.99))
      .set("errors", tally.errors)
      .set("first_error", tally.first_error);
}

Result<Json> measure_rate(const Settings& settings)
{
  Crowd crowd{settings.task, TRY(Epoll::create())};
  TRY(crowd.begin(settings.connections));
  TRY(crowd.run_until(sys::monotonic_ms() + warm_up_ms));
  crowd.tally() = {};
  const Spent before = TRY(spent(settings));
  const std::int64_t start = sys::monotonic_ms();
  TRY(crowd.run_until(start + settings.time_ms));
  const Spent after = TRY(spent(settings));
  const double seconds = static_cast<double>(sys::monotonic_ms() - start) / 1000;
  return report(settings, crowd.tally(), before, after, seconds);
}

/// Opens connections until so many rest, a few at a time.
Status rest(Crowd& crowd, std::size_t wanted)
{
  const sys::Deadline end{std::chrono::milliseconds{patience_ms}};
  while (crowd.resting() < wanted) {
    const std::size_t under_way = crowd.size() - crowd.resting();
    if (crowd.size() < wanted && under_way < begun_at_once) TRY(crowd.begin(1));
    const bool full = crowd.size() == wanted || under_way + 1 >= begun_at_once;
    TRY(crowd.run_once(full ? 100 : 0));
    if (crowd.tally().errors > 0 || end.passed())
      return fail(Errc::io, "{} of {} connections rest: {}", crowd.resting(), wanted,
                  end.passed() ? "too slow" : crowd.tally().first_error);
  }
  return crowd.run_until(sys::monotonic_ms() + settle_ms);
}

/// From the difference between a fifth and all, so that what the proxy has anyway does not count.
Result<Json> measure_memory(const Settings& settings)
{
  Crowd crowd{settings.task, TRY(Epoll::create())};
  const std::size_t first = settings.connections / 5;
  TRY(rest(crowd, first));
  const std::uint64_t few = TRY(resident_bytes(settings.proxy));
  TRY(rest(crowd, settings.connections));
  const std::uint64_t many = TRY(resident_bytes(settings.proxy));
  const double more = static_cast<double>(many) - static_cast<double>(few);
  return Json{}
      .set("row", settings.row_name)
      .set("unit", "bytes")
      .set("connections", settings.connections)
      .set("resident_first", few)
      .set("resident_all", many)
      .set("per_connection", more / static_cast<double>(settings.connections - first))
      .set("errors", crowd.tally().errors)
      .set("first_error", crowd.tally().first_error);
}

Result<Task> task_of(const std::string& row)
{
  if (row == "hs") return Task{Via::tls, Kind::connect};
  if (row == "hs+req") return Task{Via::tls, Kind::connect_and_ask};
  if (row == "tlsreq") return Task{Via::tls, Kind::ask};
  if (row == "tlsbulk") return Task{Via::tls, Kind::bulk};
  if (row == "idle") return Task{Via::tls, Kind::rest};
  if (row == "conn") return Task{Via::passed_through, Kind::connect_and_ask};
  if (row == "pp") return Task{Via::passed_through, Kind::ask};
  if (row == "rawbulk") return Task{Via::passed_through, Kind::bulk};
  if (row == "idle-pass") return Task{Via::passed_through, Kind::rest};
  return fail(Errc::usage, "{}: no such row", row);
}

Result<Json> run(const std::vector<std::string>& words)
{
  if (words.size() < 8)
    return fail(Errc::usage, "ROW ADDRESS NAME CONNECTIONS SECONDS PROXY-PID PROCESSOR [OWN-PID…]");
  Settings settings;
  settings.row_name = words[1];
  settings.task = TRY(task_of(words[1]));
  settings.task.to = TRY(tcp_address(words[2]));
  settings.task.name = words[3];
  settings.connections = static_cast<unsigned>(TRY(parse_u64(words[4])));
  settings.time_ms = 1000 * static_cast<std::int64_t>(TRY(parse_u64(words[5])));
  settings.proxy = static_cast<int>(TRY(parse_u64(words[6])));
  settings.processor = static_cast<unsigned>(TRY(parse_u64(words[7])));
  for (std::size_t i = 8; i < words.size(); ++i)
    settings.own.push_back(static_cast<int>(TRY(parse_u64(words[i]))));
  TRY(prepare(settings.task));
  return settings.task.kind == Kind::rest ? measure_memory(settings) : measure_rate(settings);
}

} // namespace
} // namespace dstack::gateway_load

int main(int argc, char** argv)
{
  return dstack::gateway_load::tool("gateway_load", dstack::gateway_load::run, {argv, argv + argc});
}
