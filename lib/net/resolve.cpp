#include "net/resolve.hpp"

#include "base/address.hpp"
#include "base/text.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

#include <algorithm>
#include <ares.h>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <optional>
#include <poll.h>

namespace dstack::net {

namespace {

constexpr std::size_t max_host = 253; // RFC 1035 2.3.4, without the last dot
constexpr int in_class = 1;
constexpr int a_record = 1;
constexpr int aaaa_record = 28;
constexpr int try_ms = 1500; ///< until a server is asked again, and then the next one
constexpr int tries = 3;
constexpr std::chrono::milliseconds wait_for_other{500};

struct DestroyChannel {
  void operator()(ares_channel channel) const noexcept { ares_destroy(channel); }
};
using Channel = std::unique_ptr<std::remove_pointer_t<ares_channel>, DestroyChannel>;

/// What one question came to; c-ares holds a pointer to it.
struct Answer {
  bool open = true;
  int status = ARES_SUCCESS;
  std::vector<std::string> addresses{};
};

template <class T> std::string text_of(int family, const T& address)
{
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* const shown = ::inet_ntop(family, &address, text.data(), text.size());
  return shown == nullptr ? "" : shown;
}

Status check_host(const std::string& host)
{
  const auto in_names = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (host.empty() || host.size() > max_host || !std::all_of(host.begin(), host.end(), in_names))
    return fail(Errc::malformed, "'{}' is not a host name", printable(host));
  return ok();
}

/// Whatever servers and /etc/hosts say, which a minimal system does not have.
bool is_this_machine(std::string_view host)
{
  if (host.ends_with('.')) host.remove_suffix(1);
  return is_localhost(host);
}

void take_a(void* user, int status, int /*timeouts*/, unsigned char* data, int size)
{
  auto& answer = *static_cast<Answer*>(user);
  answer.open = false;
  answer.status = status;
  if (status != ARES_SUCCESS) return;
  std::array<ares_addrttl, max_addresses> found{};
  int count = static_cast<int>(found.size());
  answer.status = ares_parse_a_reply(data, size, nullptr, found.data(), &count);
  if (answer.status != ARES_SUCCESS) return;
  for (int i = 0; i < count; ++i)
    answer.addresses.push_back(text_of(AF_INET, found.at(static_cast<std::size_t>(i)).ipaddr));
}

void take_aaaa(void* user, int status, int /*timeouts*/, unsigned char* data, int size)
{
  auto& answer = *static_cast<Answer*>(user);
  answer.open = false;
  answer.status = status;
  if (status != ARES_SUCCESS) return;
  std::array<ares_addr6ttl, max_addresses> found{};
  int count = static_cast<int>(found.size());
  answer.status = ares_parse_aaaa_reply(data, size, nullptr, found.data(), &count);
  if (answer.status != ARES_SUCCESS) return;
  for (int i = 0; i < count; ++i)
    answer.addresses.push_back(text_of(AF_INET6, found.at(static_cast<std::size_t>(i)).ip6addr));
}

/// A question's whole answer; c-ares holds a pointer to it.
struct RawAnswer {
  bool open = true;
  int status = ARES_SUCCESS;
  Bytes message{};
};

void take_raw(void* user, int status, int /*timeouts*/, unsigned char* data, int size)
{
  auto& answer = *static_cast<RawAnswer*>(user);
  answer.open = false;
  answer.status = status;
  if (data != nullptr && size > 0) answer.message.assign(data, data + size);
}

Error ares_error(int status, std::string_view what)
{
  return fail(status == ARES_ETIMEOUT ? Errc::timeout : Errc::io, "{}: {}", what,
              ares_strerror(status));
}

Result<Channel> channel_for(const std::vector<std::string>& servers)
{
  ares_options options{};
  std::string lookups = "b"; // DNS alone
  std::string nothing = "/dev/null";
  options.lookups = lookups.data();
  options.timeout = try_ms;
  options.tries = tries;
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  int given = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS;
  if (!servers.empty()) {
    options.resolvconf_path = nothing.data();
    given |= ARES_OPT_RESOLVCONF;
  }
  ares_channel raw = nullptr;
  const int status = ares_init_options(&raw, &options, given);
  if (status != ARES_SUCCESS) return ares_error(status, "DNS");
  Channel channel{raw};
  if (servers.empty()) return channel;
  const std::string list = join(servers, ",");
  if (ares_set_servers_ports_csv(channel.get(), list.c_str()) != ARES_SUCCESS)
    return fail(Errc::malformed, "'{}' are not addresses of DNS servers", printable(list));
  return channel;
}

/// Lets c-ares work until it needs the network again, or a moment has passed.
Status turn(ares_channel channel, const sys::Deadline& deadline)
{
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const auto wanted = static_cast<unsigned>(
      ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size())));
  std::vector<pollfd> waits;
  for (unsigned i = 0; i < sockets.size(); ++i) {
    const bool in = ARES_GETSOCK_READABLE(wanted, i) != 0;
    const bool out = ARES_GETSOCK_WRITABLE(wanted, i) != 0;
    if (in || out)
      waits.push_back(
          {sockets.at(i), static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0)), 0});
  }
  timeval room{};
  timeval most{};
  most.tv_sec = deadline.left().count() / 1000;
  most.tv_usec = (deadline.left().count() % 1000) * 1000;
  const timeval* const pause = ares_timeout(channel, &most, &room);
  const auto ms = pause->tv_sec * 1000 + pause->tv_usec / 1000 + 1;
  if (::poll(waits.data(), waits.size(), static_cast<int>(ms)) < 0 && errno != EINTR)
    return sys::errno_error("poll");
  bool any = false;
  for (const pollfd& one : waits) {
    if (one.revents == 0) continue;
    any = true;
    const bool in = (one.revents & ~POLLOUT) != 0;
    const bool out = (one.revents & POLLOUT) != 0;
    ares_process_fd(channel, in ? one.fd : ARES_SOCKET_BAD, out ? one.fd : ARES_SOCKET_BAD);
  }
  if (!any) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); // its own timeouts
  return ok();
}

/// From /etc/hosts.
std::vector<std::string> hosts_file(ares_channel channel, const std::string& host)
{
  std::vector<std::string> out;
  for (const int family : {AF_INET, AF_INET6}) {
    hostent* entry = nullptr;
    if (ares_gethostbyname_file(channel, host.c_str(), family, &entry) != ARES_SUCCESS) continue;
    for (char** at = entry->h_addr_list; *at != nullptr && out.size() < max_addresses; ++at) {
      in6_addr address{};
      std::memcpy(&address, *at, static_cast<std::size_t>(entry->h_length));
      out.push_back(text_of(family, address));
    }
    ares_free_hostent(entry);
  }
  return out;
}

/// An answer, if only that there is none.
bool is_answer(int status)
{
  return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

Result<std::vector<std::string>>
addresses_of(const std::string& host, const Answer& v4, const Answer& v6)
{
  std::vector<std::string> out = v4.addresses;
  out.insert(out.end(), v6.addresses.begin(), v6.addresses.end());
  if (out.size() > max_addresses) out.resize(max_addresses);
  if (!out.empty()) return out;
  if (v4.open || v6.open) return fail(Errc::timeout, "look up {}: no answer in time", host);
  for (const Answer* one : {&v4, &v6})
    if (!is_answer(one->status)) return ares_error(one->status, fmt::format("look up {}", host));
  return fail(Errc::not_found, "look up {}: there is no host of that name", host);
}

} // namespace

Result<std::vector<std::string>> resolve(const std::string& host,
                                         const std::vector<std::string>& servers,
                                         std::chrono::milliseconds deadline)
{
  if (is_ip_address(host)) return std::vector<std::string>{host};
  TRY(check_host(host));
  if (is_this_machine(host)) return std::vector<std::string>{"127.0.0.1", "::1"};
  const sys::Deadline until{deadline};
  Answer v4;
  Answer v6;
  const Channel channel = TRY(channel_for(servers)); // after the answers: it lets go of them
  if (servers.empty()) {
    auto known = hosts_file(channel.get(), host);
    if (!known.empty()) return known;
  }
  ares_query(channel.get(), host.c_str(), in_class, a_record, take_a, &v4);
  ares_query(channel.get(), host.c_str(), in_class, aaaa_record, take_aaaa, &v6);
  std::optional<sys::Deadline> other; // the second answer is not waited for long
  while ((v4.open || v6.open) && !until.passed() && !(other && other->passed())) {
    TRY(turn(channel.get(), other ? *other : until));
    const bool usable = !v4.addresses.empty() || !v6.addresses.empty();
    if (usable && !other) other.emplace(std::min(until.left(), wait_for_other));
  }
  return addresses_of(host, v4, v6);
}

Result<Bytes> query_dns(const std::string& name,
                        std::uint16_t record_type,
                        const std::vector<std::string>& servers,
                        std::chrono::milliseconds deadline)
{
  TRY(check_host(name));
  const sys::Deadline until{deadline};
  RawAnswer answer;
  const Channel channel = TRY(channel_for(servers)); // after the answer: it lets go of it
  ares_query(channel.get(), name.c_str(), in_class, record_type, take_raw, &answer);
  while (answer.open && !until.passed())
    TRY(turn(channel.get(), until));
  if (answer.open) return fail(Errc::timeout, "look up {}: no answer in time", name);
  if (!is_answer(answer.status) || answer.message.empty())
    return ares_error(answer.status, fmt::format("look up {}", name));
  return std::move(answer.message);
}

Result<sys::Fd> connect_host(const std::string& host,
                             std::uint16_t port,
                             const std::vector<std::string>& servers,
                             std::chrono::milliseconds deadline)
{
  const sys::Deadline until{deadline};
  const auto addresses = TRY(resolve(host, servers, deadline));
  Result<sys::Fd> out = fail(Errc::timeout, "connect to {}:{}: no answer in time", host, port);
  for (std::size_t i = 0; i < addresses.size() && !until.passed(); ++i) {
    // One that does not answer leaves time for the others.
    const auto share = until.left() / static_cast<long>(addresses.size() - i);
    out = sys::connect_tcp(addresses[i], port, share);
    if (out) return out;
  }
  return std::move(out).within("{}", host);
}

} // namespace dstack::net
