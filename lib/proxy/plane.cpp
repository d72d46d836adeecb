#include "proxy/plane.hpp"

#include "proxy/kernel_tls.hpp"
#include "proxy/socket_address.hpp"
#include "proxy/worker.hpp"

#include "crypto/random.hpp"
#include "sys/sockets.hpp"
#include "sys/threads.hpp"
#include "sys/workers.hpp"

#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace dstack::proxy {

namespace {

constexpr int backlog = 4096; ///< the kernel has its own limit, net.core.somaxconn
/// A connection is given to us with its first bytes, or after so long.
constexpr int defer_seconds = 3;

/// One of several that listen at the same place: the kernel divides the connections.
Result<sys::Fd> listen_beside(const route::Endpoint& at)
{
  const bool v4 = at.address.is_v4();
  sys::Fd out{::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!out) return sys::errno_error("socket");
  const int on = 1;
  const int off = 0;
  ::setsockopt(out.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::setsockopt(out.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
    return sys::errno_error("SO_REUSEPORT");
  // Connections have it from their listener.
  ::setsockopt(out.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(out.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_seconds, sizeof defer_seconds);
  if (!v4) ::setsockopt(out.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off); // "::" is for both
  const SocketAddress address = socket_address(at);
  if (::bind(out.get(), address.get(), address.size) != 0 || ::listen(out.get(), backlog) != 0)
    return sys::errno_error(fmt::format("listen on {}", at.text()));
  return out;
}

} // namespace

struct Plane::State {
  Common common{};
  Status kernel_tls = ok(); ///< what trying it came to
  std::unique_ptr<TicketKeys> tickets{};
  std::vector<route::Endpoint> listening{};
  std::shared_ptr<const TlsContexts> contexts{}; ///< of the world at present
  std::vector<std::unique_ptr<Worker>> workers{};
  std::unique_ptr<sys::Crew> crew{}; ///< the last member: ends before its workers

  void tell(const Mailbox::Letter& letter) const
  {
    for (const auto& worker : workers)
      worker->mailbox()->post(letter);
  }

  Result<std::vector<sys::Fd>> listeners()
  {
    std::vector<sys::Fd> out;
    for (route::Endpoint& at : listening) {
      out.push_back(TRY(listen_beside(at)));
      at.port = TRY(sys::local_port(out.back().get())); // where it was any
    }
    return out;
  }
};

Plane::Plane(std::unique_ptr<State> state) : state_(std::move(state)) {}

Plane::~Plane()
{
  state_->tell([](Worker& worker) { worker.stop(); });
}

Result<std::unique_ptr<Plane>> Plane::create(const PlaneSettings& settings, Outside outside)
{
  auto state = std::make_unique<State>();
  Common& common = state->common;
  common.settings = settings;
  if (settings.workers == 0) common.settings.workers = sys::processor_count();
  if (settings.kernel_tls) state->kernel_tls = try_kernel_tls();
  common.kernel_tls = settings.kernel_tls && static_cast<bool>(state->kernel_tls);
  common.outside = std::move(outside);
  state->listening = settings.listen;
  if (settings.tickets) state->tickets = TRY(TicketKeys::create());
  for (unsigned i = 0; i < common.settings.workers; ++i) {
    std::array<std::uint8_t, 8> seed{};
    crypto::random_bytes(seed);
    std::uint64_t number = 0;
    std::memcpy(&number, seed.data(), sizeof number);
    state->workers.push_back(TRY(Worker::create(common, TRY(state->listeners()), number)));
  }
  auto out = std::make_unique<Plane>(std::move(state));
  World empty;
  empty.table = std::make_shared<const route::AppTable>();
  TRY(out->publish(std::move(empty)));
  State& made = *out->state_;
  made.crew = TRY(sys::Crew::start(common.settings.workers,
                                   [&made](unsigned i) { made.workers.at(i)->run(); }));
  return out;
}

Status Plane::publish(World world)
{
  DSTACK_ASSERT(world.table && world.targets.size() == world.table->size());
  auto published = std::make_shared<Published>();
  published->tls = TRY(TlsContexts::create(world.certificates, world.challenges,
                                           state_->tickets.get(), state_->contexts.get()));
  world.certificates.clear(); // the contexts have them
  published->route.domains = world.domains;
  published->world = std::move(world);
  state_->contexts = published->tls;
  state_->tell([published](Worker& worker) { worker.use(published); });
  return ok();
}

std::vector<route::Endpoint> Plane::listening() const
{
  return state_->listening;
}

void Plane::drain()
{
  state_->tell([](Worker& worker) { worker.stop_listening(); });
}

std::uint64_t Plane::live() const
{
  return state_->common.live.load(std::memory_order_relaxed);
}

Result<bool> Plane::kernel_tls() const
{
  if (!state_->kernel_tls) return state_->kernel_tls.error();
  return state_->common.kernel_tls;
}

Totals Plane::totals() const
{
  Totals out;
  for (const auto& worker : state_->workers)
    worker->counters().add_to(out);
  return out;
}

} // namespace dstack::proxy
