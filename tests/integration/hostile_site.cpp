// Serves the port for the world on 127.0.0.1 with the facts of a file, as the agent in a VM does;
// containers and logs come from an Engine API socket, with short deadlines. Usage: hostile_site
// FACTS.json SOCKET; prints the port.
#include "guest/external.hpp"
#include "sys/sockets.hpp"

#include <csignal>
#include <cstdio>

using namespace dstack;

namespace {

constexpr std::size_t max_facts = 1 << 20;
constexpr guest::ExternalTimes short_times{std::chrono::milliseconds{1500},
                                           std::chrono::milliseconds{4000}};

guestapi::SystemInfo system_of(const codec::Json& facts)
{
  const auto text = [&](const char* key) {
    const auto value = facts.get_string(key, "");
    return value ? *value : std::string{};
  };
  guestapi::SystemInfo out;
  out.os_name = text("os_name");
  out.os_version = text("os_version");
  out.kernel_version = text("kernel_version");
  out.cpu_model = text("cpu_model");
  out.num_cpus = 2;
  out.total_memory = 2ULL << 30U;
  out.available_memory = 3ULL << 29U;
  out.used_memory = 1ULL << 29U;
  out.free_memory = 1ULL << 28U;
  out.uptime = 93784;
  out.loadavg_one = 52;
  out.loadavg_five = 148;
  out.loadavg_fifteen = 1009;
  out.disks = {{text("disk_name"), text("disk_mount"), 10ULL << 30U, 4ULL << 30U}};
  return out;
}

Status run(const char* facts_path, const char* socket)
{
  const std::string text = TRY(sys::read_text(facts_path, max_facts));
  const codec::Json facts = TRY(codec::parse_json(text));
  const auto loop = TRY(sys::Loop::create());
  guest::Engine engine{*loop, socket};
  guestsite::ExternalSite site;
  guest::bind_machine(site, *loop, engine, short_times);
  site.public_logs = TRY(facts.get_bool("public_logs", false));
  site.public_sysinfo = TRY(facts.get_bool("public_sysinfo", false));
  site.version_header = "v0.6.0 (test)";
  site.facts = [&]() -> Result<guestapi::PageFacts> {
    guestapi::PageFacts out = TRY(guestapi::page_facts(facts));
    out.simulated_tee = true;
    return out;
  };
  site.system = [&]() -> Result<guestapi::SystemInfo> { return system_of(facts); };
  site.worker.mount = "/prpc/";
  site.worker.trimmed_prefix = "Worker.";
  site.worker.methods["Version"] = [](const codec::Json&) -> Result<codec::Json> {
    return codec::Json{}.set("version", "0.6.0");
  };
  sys::Fd listener = TRY(sys::listen_tcp("127.0.0.1", 0));
  std::printf("%u\n", unsigned{TRY(sys::local_port(listener.get()))});
  std::fflush(stdout);
  const auto server = TRY(guestsite::serve_external_port(*loop, site, std::move(listener)));
  TRY(loop->on_signals({SIGTERM, SIGINT}, [&](int) { loop->stop(); }));
  return loop->run();
}

} // namespace

int main(int argc, char** argv)
{
  if (argc != 3) return 2;
  const Status ran = run(argv[1], argv[2]);
  if (!ran) std::fprintf(stderr, "hostile_site: %s\n", ran.error().message().c_str());
  return ran ? 0 : 1;
}
