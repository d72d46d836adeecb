#include "agents/gateway/wireguard.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"

#include <csignal>
#include <net/if.h>
#include <poll.h>

namespace dstack::gatewaynode {

namespace {

constexpr sys::Millis short_time{10'000};
constexpr sys::Millis sync_time{60'000}; ///< thousands of peers take a while in user space
constexpr sys::Millis start_time{10'000};
constexpr int poll_ms = 20;
constexpr unsigned net_admin = 12; ///< CAP_NET_ADMIN, capability.h
constexpr std::size_t max_proc = std::size_t{64} << 10U;

bool exists(const std::string& interface)
{
  return ::if_nametoindex(interface.c_str()) != 0;
}

} // namespace

bool may_make_interfaces()
{
  const auto status = sys::read_text("/proc/self/status", max_proc);
  if (!status) return false;
  for (const std::string_view line : split(*status, '\n')) {
    constexpr std::string_view name = "CapEff:";
    if (!line.starts_with(name)) continue;
    const auto raw = parse_hex(trim(line.substr(name.size())));
    if (!raw || raw->size() < 2) return false;
    const std::uint8_t byte = raw->at(raw->size() - 1 - net_admin / 8); // most significant first
    return (byte >> (net_admin % 8) & 1U) != 0;
  }
  return false;
}

Result<std::unique_ptr<WireGuard>> WireGuard::create(const gateway::WireGuardSettings& settings,
                                                     const Secret<32>& private_key)
{
  std::unique_ptr<WireGuard> out{new WireGuard{settings, private_key}};
  TRY(out->find_programs());
  if (!exists(settings.interface)) TRY(out->make().within("{}", settings.interface));
  TRY(out->apply({}).within("{}", settings.interface));
  TRY(out->set_up().within("{}", settings.interface));
  TRY(out->keep_apart());
  return out;
}

WireGuard::~WireGuard()
{
  if (child_) {
    static_cast<void>(child_->kill(SIGTERM));
    static_cast<void>(child_->wait(short_time));
  } else if (made_) {
    static_cast<void>(ip({"link", "del", settings_.interface}));
  }
}

Status WireGuard::find_programs()
{
  ip_program_ = TRY(sys::find_program("ip").within("WireGuard")).string();
  wg_program_ = TRY(sys::find_program("wg").within("WireGuard")).string();
  return ok();
}

Status WireGuard::ip(std::vector<std::string> words) const
{
  sys::Command command;
  command.argv = {ip_program_};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  static_cast<void>(TRY(sys::run_ok(command, {}, {short_time, max_proc})));
  return ok();
}

Status WireGuard::make()
{
  made_ = true;
  const Status kernel = ip({"link", "add", settings_.interface, "type", "wireguard"});
  if (kernel) return ok();
  const auto program = sys::find_program("wireguard-go");
  if (!program)
    return fail(Errc::unsupported,
                "this kernel has no WireGuard ({}), and wireguard-go is not "
                "installed",
                kernel.error().message());
  sys::Command command;
  command.argv = {program->string(), "-f", settings_.interface};
  child_.emplace(TRY(sys::spawn(command).within("wireguard-go")));
  // Its interface appears a moment before it answers; it tells nobody when it does.
  const sys::Deadline until{start_time};
  while (!until.passed()) {
    pollfd ended{child_->pidfd(), POLLIN, 0};
    if (::poll(&ended, 1, poll_ms) == 1)
      return fail(Errc::io, "wireguard-go {}", TRY(child_->wait(short_time)).describe());
    if (exists(settings_.interface) && state()) return ok(); // another namespace may have its like
  }
  return fail(Errc::timeout, "wireguard-go does not come up");
}

Status WireGuard::set_up() const
{
  TRY(ip({"address", "replace", settings_.address, "dev", settings_.interface}));
  return ip({"link", "set", settings_.interface, "up"});
}

/// Nothing that comes out of the tunnel goes anywhere but to us: an app's network is not reached
/// from another's, whatever net.ipv4.ip_forward says.
Status WireGuard::keep_apart() const
{
  const std::string file =
      fmt::format("/proc/sys/net/ipv4/conf/{}/forwarding", settings_.interface);
  const sys::Fd fd =
      TRY(sys::open_append(file, sys::Privacy::shared).within("switch off forwarding"));
  TRY(sys::write_all(fd.get(), as_bytes("0\n")).within("{}", file));
  const std::string now = TRY(sys::read_text(file, max_proc));
  if (trim(now) == "0") return ok();
  return fail(Errc::denied, "{} stays {}: VMs could reach each other through the gateway", file,
              trim(now));
}

Status WireGuard::apply(const std::vector<route::WgPeer>& peers) const
{
  const SecretBytes text =
      route::wg_config(private_key_, static_cast<std::uint16_t>(settings_.listen_port), peers);
  sys::Command command;
  command.argv = {wg_program_, "syncconf", settings_.interface, "/dev/stdin"};
  static_cast<void>(TRY(sys::run_ok(command, text.view(), {sync_time, max_proc})));
  return ok();
}

Result<route::WgState> WireGuard::state() const
{
  sys::Command command;
  command.argv = {wg_program_, "show", settings_.interface, "dump"};
  const auto output = TRY(sys::run_ok(command, {}, {short_time, route::max_wg_dump}));
  return route::parse_wg_dump(output.out);
}

} // namespace dstack::gatewaynode
