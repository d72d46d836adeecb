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
constexpr std::chrono::milliseconds answer_deadline{3'000};
constexpr int between_tries_ms = 100;
constexpr std::size_t first_bytes = 64;

std::string reachable(const std::string& address)
{
  if (address == "0.0.0.0") return "127.0.0.1";
  return address == "::" ? "::1" : address;
}

/// True when the port answered. QEMU accepts for the guest, so an accepted connection alone proves
/// nothing: bytes must come back, or the connection must stay open.
bool ask(Probe& probe)
{
  const auto fd =
      sys::connect_tcp(reachable(probe.port.host_address), probe.port.host_port, connect_deadline);
  if (!fd) return false;
  const std::string request = fmt::format(
      "GET / HTTP/1.0\r\nHost: localhost:{}\r\nUser-Agent: dstack\r\n\r\n", probe.port.host_port);
  if (!sys::write_all(fd->get(), as_bytes(request))) return false;
  pollfd wait{fd->get(), POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(answer_deadline.count())) == 0) return true;
  const auto answer = sys::read_some(fd->get(), first_bytes);
  if (!answer || answer->empty()) return false;
  const std::string_view text = as_text(*answer);
  probe.http = text.starts_with("HTTP/1.");
  if (probe.http && text.size() >= 12)
    if (const auto status = parse_u64(text.substr(9, 3)))
      probe.http_status = static_cast<int>(*status);
  return true;
}

} // namespace

std::vector<Probe> probe_ports(const store::VmSpec& spec, std::chrono::milliseconds timeout)
{
  const sys::Deadline deadline{timeout};
  std::vector<Probe> out;
  for (const vm::PortForward& port : spec.ports) {
    Probe probe{port, false, false, 0, url_of(port)};
    while (port.protocol == vm::Protocol::tcp) {
      probe.answered = ask(probe);
      if (probe.answered || deadline.passed()) break;
      ::poll(nullptr, 0, between_tries_ms);
    }
    if (probe.answered && !probe.http && probe.url.starts_with("http:"))
      probe.url.replace(0, 4, "tcp");
    out.push_back(std::move(probe));
  }
  return out;
}

} // namespace dstack::cli
