#include "proxy/worker.hpp"

#include "proxy/socket_address.hpp"

#include "sys/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dstack::proxy {

namespace {

constexpr int events_at_once = 256;
constexpr int accepts_at_once = 64;
constexpr std::size_t scratch_size = std::size_t{128} << 10U;
constexpr std::size_t cipher_size = std::size_t{64} << 10U;
constexpr std::int64_t accept_pause_ms = 100; ///< when the system gives no more descriptors

/// One worker sees its part of a source's connections: the kernel divides them by their ports.
route::SourceLimitSettings share_of(route::SourceLimitSettings all, unsigned workers)
{
  const auto part = [workers](std::uint32_t whole) { return (whole + workers - 1) / workers; };
  all.max_open = part(all.max_open);
  all.per_second = part(all.per_second);
  all.burst = part(all.burst);
  return all;
}

} // namespace

void Mailbox::post(Letter letter)
{
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    first = letters_.empty();
    letters_.push_back(std::move(letter));
  }
  if (!first) return;
  const std::uint64_t one = 1;
  // Fails only when the counter is full: then the worker is awake.
  static_cast<void>(!::write(event_.get(), &one, sizeof one));
}

std::vector<Mailbox::Letter> Mailbox::take()
{
  std::uint64_t count = 0;
  static_cast<void>(!::read(event_.get(), &count, sizeof count));
  const std::lock_guard lock{mutex_};
  return std::exchange(letters_, {});
}

Worker::Worker(Common& common, sys::Fd epoll, sys::Fd wake, std::uint64_t seed)
    : common_(common), watcher_(std::move(epoll)),
      mailbox_(std::make_shared<Mailbox>(std::move(wake))), now_ms_(sys::monotonic_ms()),
      timers_(now_ms_), sources_(share_of(common.settings.sources, common.settings.workers), seed),
      random_(seed), scratch_(scratch_size)
{
  cipher_.in.resize(cipher_size);
}

Result<std::unique_ptr<Worker>>
Worker::create(Common& common, std::vector<sys::Fd> listeners, std::uint64_t seed)
{
  sys::Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return sys::errno_error("epoll_create1");
  sys::Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) return sys::errno_error("eventfd");
  std::unique_ptr<Worker> out{new Worker{common, std::move(epoll), std::move(wake), seed}};
  bool added = out->watcher_.watch(out->wake_, out->mailbox_->event(), EPOLLIN);
  for (sys::Fd& listener : listeners) {
    auto leg = std::make_unique<Leg>();
    leg->fd = std::move(listener);
    added = added && out->watcher_.watch(*leg, leg->fd.get(), EPOLLIN);
    out->listeners_.push_back(std::move(leg));
  }
  if (!added) return sys::errno_error("epoll_ctl");
  return out;
}

Worker::~Worker()
{
  while (connections_ != nullptr)
    connections_->close();
  clean_up();
}

std::uint64_t Worker::random()
{
  // splitmix64: to choose among equals, nothing secret.
  std::uint64_t z = (random_ += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

bool Worker::watch(Leg& leg, bool for_room)
{
  if (leg.watcher != nullptr && (leg.watched_for_room || !for_room)) return true;
  leg.watched_for_room = for_room;
  const std::uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  return watcher_.watch(leg, leg.fd.get(), for_room ? events | EPOLLOUT : events);
}

void Worker::run()
{
  std::array<epoll_event, events_at_once> events{};
  while (!stopping_) {
    int wait = again_.empty() ? timers_.wait_ms(now_ms_) : 0;
    if (accept_again_ms_ != 0)
      wait = wait < 0 ? static_cast<int>(accept_pause_ms)
                      : std::min(wait, static_cast<int>(accept_pause_ms));
    const int count = watcher_.wait(events, wait);
    if (count < 0 && errno != EINTR) bug("epoll_wait");
    now_ms_ = sys::monotonic_ms();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      Leg* const leg = watcher_.leg_of(event);
      if (leg == nullptr) continue;
      if (leg->owner != nullptr)
        leg->owner->on_event(*leg, event.events);
      else if (leg == &wake_)
        read_letters();
      else
        accept_from(*leg);
    }
    serve_again();
    timers_.advance(now_ms_, [](Timer& timer) { static_cast<Connection&>(timer).on_timer(); });
    if (accept_again_ms_ != 0 && now_ms_ >= accept_again_ms_) {
      accept_again_ms_ = 0;
      watch_listeners(EPOLLIN);
    }
    clean_up();
  }
}

void Worker::stop_listening()
{
  // Who has connected already is served.
  for (const auto& listener : listeners_)
    while (accept_from(*listener))
      ;
  listeners_.clear();
}

void Worker::read_letters()
{
  for (const Mailbox::Letter& letter : mailbox_->take())
    letter(*this);
}

void Worker::again(Connection& connection)
{
  if (std::exchange(connection.queued, true)) return;
  again_.push_back(&connection);
}

void Worker::serve_again()
{
  // Those that come back meanwhile wait for the next round. One that is closed stays in memory
  // until clean_up().
  std::vector<Connection*> turn;
  turn.swap(again_);
  for (Connection* one : turn)
    one->queued = false;
  for (Connection* one : turn)
    one->on_turn();
}

/// True: there may be more.
bool Worker::accept_from(Leg& listener)
{
  if (!listener.fd || accept_again_ms_ != 0) return false;
  for (int i = 0; i < accepts_at_once; ++i) {
    SocketAddress from;
    from.size = sizeof from.storage;
    sys::Fd socket{
        ::accept4(listener.fd.get(), from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) {
      if (errno == EAGAIN) return false;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        counters_.add(Count::accept_failed);
        pause_accepting();
        return false;
      }
      continue; // that client has gone
    }
    if (const auto peer = endpoint_of(from)) take_in(std::move(socket), *peer);
  }
  return true;
}

/// The listener stays ready: without a pause the loop would turn on the spot.
void Worker::pause_accepting()
{
  accept_again_ms_ = now_ms_ + accept_pause_ms;
  watch_listeners(0);
}

void Worker::watch_listeners(std::uint32_t events)
{
  for (const auto& listener : listeners_)
    watcher_.watch(*listener, listener->fd.get(), events);
}

void Worker::take_in(sys::Fd socket, const route::Endpoint& peer)
{
  counters_.add(Count::accepted);
  const auto turn_away = [&socket](route::Alert alert) {
    const auto record = route::alert_record(alert);
    static_cast<void>(
        ::send(socket.get(), record.data(), record.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  };
  if (common_.live.load(std::memory_order_relaxed) >= common_.settings.max_connections) {
    counters_.add(Count::full);
    return turn_away(route::Alert::internal_error);
  }
  const auto verdict = sources_.admit(peer.address, Time{now_ms_});
  if (verdict != route::SourceLimits::Verdict::admitted) {
    counters_.add(verdict == route::SourceLimits::Verdict::too_fast ? Count::source_too_fast
                                                                    : Count::source_too_many_open);
    return turn_away(route::Alert::access_denied);
  }
  common_.live.fetch_add(1, std::memory_order_relaxed);
  counters_.set_live(++live_);
  auto* const connection = std::make_unique<Connection>(*this, std::move(socket), peer).release();
  connection->next = connections_;
  if (connections_ != nullptr) connections_->previous = connection;
  connections_ = connection;
  connection->begin();
}

void Worker::close(Connection& connection)
{
  connection.closed = true;
  connection.unlink();
  connection.client().close();
  if (connection.next != nullptr) connection.next->previous = connection.previous;
  if (connection.previous != nullptr)
    connection.previous->next = connection.next;
  else
    connections_ = connection.next;
  sources_.closed(connection.peer().address);
  common_.live.fetch_sub(1, std::memory_order_relaxed);
  counters_.set_live(--live_);
  if (connection.queued) again_.erase(std::find(again_.begin(), again_.end(), &connection));
  if (connection.ticket != 0) awaiting_.erase(connection.ticket);
  closed_.push_back(&connection);
}

void Worker::clean_up()
{
  for (const Connection* one : closed_)
    delete one; // NOLINT(cppcoreguidelines-owning-memory): see take_in
  closed_.clear();
}

void Worker::await(Connection& connection)
{
  connection.ticket = next_ticket_++;
  awaiting_[connection.ticket] = &connection;
}

void Worker::resolved(std::uint64_t ticket, const Result<route::CustomTarget>& target)
{
  const auto found = awaiting_.find(ticket);
  if (found == awaiting_.end()) return;
  Connection* const connection = found->second;
  awaiting_.erase(found);
  connection->ticket = 0;
  connection->resolved(target);
}

} // namespace dstack::proxy
