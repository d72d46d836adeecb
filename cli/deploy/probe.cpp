#include "base/text.hpp"
#include "cli/deploy/boot.hpp"
#include "cli/vms.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

#include <poll.h>
#include <sys/socket.h>

namespace dstack::cli {

namespace {

constexpr std::chrono::milliseconds connect_deadline{2'000};
constexpr std::chrono::milliseconds close_patience{4'000};
constexpr int between_tries_ms = 100;
constexpr std::size_t first_bytes = 64;

std::string reachable(const std::string& address)
{
  if (address == "0.0.0.0") return "127.0.0.1";
  return address == "::" ? "::1" : address;
}

enum class Reply { bytes, closed, silence, refused };

/// Sends an HTTP request and looks at what comes back. QEMU accepts for the guest, so an accepted
/// connection proves nothing: only bytes do. A peer that closes does not speak HTTP, or is not
/// there.
Reply ask(Probe& probe, std::chrono::milliseconds patience)
{
  const auto fd =
      sys::connect_tcp(reachable(probe.port.host_address), probe.port.host_port, connect_deadline);
  if (!fd) return Reply::refused;
  const std::string request = fmt::format(
      "GET / HTTP/1.0\r\nHost: localhost:{}\r\nUser-Agent: dstack\r\n\r\n", probe.port.host_port);
  if (!sys::write_all(fd->get(), as_bytes(request))) return Reply::closed;
  pollfd wait{fd->get(), POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(patience.count())) == 0) return Reply::silence;
  const auto answer = sys::read_some(fd->get(), first_bytes);
  if (!answer || answer->empty()) return Reply::closed;
  const std::string_view text = as_text(*answer);
  probe.http = text.starts_with("HTTP/1.");
  if (probe.http && text.size() >= 12)
    if (const auto status = parse_u64(text.substr(9, 3)))
      probe.http_status = static_cast<int>(*status);
  return Reply::bytes;
}

/// The guest has seen its own ports accept before; so a port that keeps closing on an HTTP request
/// speaks something else, and one that stays silent is not reachable.
void ask_until(Probe& probe, const sys::Deadline& deadline)
{
  const sys::Deadline other_protocol{close_patience};
  while (!probe.answered && !deadline.passed()) {
    const Reply reply = ask(probe, deadline.left());
    probe.answered = reply == Reply::bytes || (reply == Reply::closed && other_protocol.passed());
    if (!probe.answered) ::poll(nullptr, 0, between_tries_ms);
  }
}

} // namespace

std::vector<Probe> probe_ports(const store::VmSpec& spec, std::chrono::milliseconds timeout)
{
  const sys::Deadline deadline{timeout};
  std::vector<Probe> out;
  for (const vm::PortForward& port : spec.ports) {
    Probe probe{port, false, false, 0, url_of(port)};
    if (port.protocol == vm::Protocol::tcp) ask_until(probe, deadline);
    if (probe.answered && !probe.http && probe.url.starts_with("http:"))
      probe.url.replace(0, 4, "tcp");
    out.push_back(std::move(probe));
  }
  return out;
}

} // namespace dstack::cli
