// Reaching an instance, or one of several.

#include "proxy/socket_address.hpp"
#include "proxy/worker.hpp"

#include "sys/clock.hpp"
#include "sys/sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace dstack::proxy {

namespace {

enum class Began { connected, under_way, failed };

Began begin_connecting(const route::Endpoint& to, sys::Fd& out)
{
  const int family = to.address.is_v4() ? AF_INET : AF_INET6;
  out = sys::Fd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!out) return Began::failed;
  const int on = 1;
  ::setsockopt(out.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const SocketAddress address = socket_address(to);
  if (::connect(out.get(), address.get(), address.size) == 0) return Began::connected;
  return errno == EINPROGRESS ? Began::under_way : Began::failed;
}

/// Where the client believes it is connected to.
std::optional<route::Endpoint> local_endpoint(int fd)
{
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size) != 0) return std::nullopt;
  return endpoint_of(address);
}

} // namespace

void Connection::connect()
{
  phase_ = Phase::connecting;
  racing_ = std::make_unique<Racing>(std::move(opening_->order), worker_.settings().race,
                                     Time{worker_.now_ms()});
  race();
}

void Connection::race()
{
  const Time now{worker_.now_ms()};
  while (const auto index = racing_->race.start(now)) {
    if (!attempt(*index)) racing_->race.failed();
    if (phase_ != Phase::connecting || closed) return; // won at once
  }
  if (!racing_->race.lost(now)) return worker_.set_timer(*this, racing_->race.wake().ms);
  if (!racing_->attempts.empty()) worker_.counters().add(Count::timed_out_connect);
  while (!racing_->attempts.empty())
    lose(racing_->attempts.size() - 1);
  refuse(route::RefusedFor::unreachable);
}

/// False: it came to nothing already.
bool Connection::attempt(std::uint32_t index)
{
  const World& world = opening_->published->world;
  const Target& target = world.targets.at(index);
  route::Endpoint to{world.table->at(index).address, opening_->port};
  if (target.forwards) {
    const auto forward = target.forwards->find(opening_->port);
    if (forward == target.forwards->end()) {
      worker_.counters().add(Count::connects_failed);
      return false;
    }
    to = forward->second;
  }
  auto leg = std::make_unique<Leg>();
  leg->owner = this;
  const Began began = begin_connecting(to, leg->fd);
  racing_->attempts.push_back({std::move(leg), Held{target.backend}, worker_.now_ms()});
  const std::size_t which = racing_->attempts.size() - 1;
  if (began == Began::failed || !worker_.watch_for_room(*racing_->attempts[which].leg)) {
    lose(which);
    return false;
  }
  if (began == Began::connected) win(which);
  return true;
}

void Connection::on_attempt(Leg& leg, std::uint32_t events)
{
  const auto at = std::find_if(racing_->attempts.begin(), racing_->attempts.end(),
                               [&leg](const Racing::Attempt& one) { return one.leg.get() == &leg; });
  if (at == racing_->attempts.end()) return; // of an attempt that is over
  leg.note(events);
  const auto which = static_cast<std::size_t>(at - racing_->attempts.begin());
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    lose(which);
    racing_->race.failed();
    return race();
  }
  if ((events & EPOLLOUT) != 0) win(which);
}

void Connection::lose(std::size_t which)
{
  Racing::Attempt& one = racing_->attempts[which];
  worker_.counters().add(Count::connects_failed);
  if (Backend* const backend = one.held.get()) {
    backend->last_failure_ms.store(sys::now().ms, std::memory_order_relaxed);
    backend->failures.fetch_add(1, std::memory_order_relaxed);
  }
  racing_->attempts.erase(racing_->attempts.begin() + static_cast<std::ptrdiff_t>(which));
}

void Connection::win(std::size_t which)
{
  Racing::Attempt& one = racing_->attempts[which];
  Counters& counters = worker_.counters();
  counters.add(Count::connects);
  counters.add(Count::connects_ms, static_cast<std::uint64_t>(worker_.now_ms() - one.began_ms));
  if (Backend* const backend = one.held.get())
    if (backend->failures.load(std::memory_order_relaxed) != 0)
      backend->failures.store(0, std::memory_order_relaxed);
  std::unique_ptr<Leg> leg = std::move(one.leg);
  Held held = std::move(one.held);
  racing_.reset();
  leg->writable = true;
  start_relay(std::move(leg), std::move(held));
}

void Connection::connect_to_pages()
{
  auto leg = std::make_unique<Leg>();
  leg->owner = this;
  auto fd = sys::connect_unix_at_once(opening_->published->world.pages_socket);
  if (!fd) return refuse(route::RefusedFor::unreachable);
  leg->fd = *std::move(fd);
  leg->writable = true;
  start_relay(std::move(leg), Held{});
}

/// What the app gets before anything else: who is there, and the ClientHello that was looked into.
Bytes Connection::first_bytes()
{
  Bytes out;
  if (opening_->proxy_header_out) {
    std::optional<route::ProxyAddresses> addresses = opening_->proxied;
    if (const auto local = local_endpoint(client_.fd.get()); local && !addresses)
      addresses = route::ProxyAddresses{peer_, *local};
    out = route::write_proxy_header(opening_->proxy_version, addresses);
  }
  if (!tls_) {
    const Bytes hello = opening_->peeker.take_bytes();
    out.insert(out.end(), hello.begin(), hello.end());
  }
  return out;
}

void Connection::start_relay(std::unique_ptr<Leg> server, Held held)
{
  server_ = std::move(server);
  held_ = std::move(held);
  up_.pending.bytes = first_bytes();
  if (!tls_) up_.bytes = up_.pending.bytes.size();
  opening_.reset();
  phase_ = Phase::relaying;
  worker_.counters().add(tls_ ? Count::relayed_terminated : Count::relayed_passed_through);
  active_ms_ = worker_.now_ms();
  if (!worker_.watch(client_) || !worker_.watch(*server_)) return close();
  check_idle(); // sets the timer
  relay();
}

} // namespace dstack::proxy
