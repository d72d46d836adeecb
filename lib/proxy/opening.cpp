// From the first byte to the decision, and TLS where it ends here.

#include "proxy/worker.hpp"

#include "acme/challenge.hpp"
#include "route/host_name.hpp"
#include "sys/clock.hpp"

namespace dstack::proxy {

namespace {

constexpr std::int64_t linger_ms = 2'000;
constexpr std::int64_t look_ms = 200; ///< between looks at what is still to be acknowledged
/// How long a client may say nothing before its app is connected to all the same: some apps speak
/// first. Nothing is lost to others, whose request comes with the end of their handshake, and who
/// only knocks costs an app nothing.
constexpr std::int64_t silence_ms = 20;

template <class... Ts> struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts> Overloaded(Ts...) -> Overloaded<Ts...>;

/// What the balancer is told of an instance.
route::InstanceState state_of(const Backend& backend, std::int64_t now_ms)
{
  route::InstanceState out;
  out.connections = backend.connections.load(std::memory_order_relaxed);
  out.failures = backend.failures.load(std::memory_order_relaxed);
  out.last_failure = Time{backend.last_failure_ms.load(std::memory_order_relaxed)};
  const std::int64_t heard = backend.handshake_ms.load(std::memory_order_relaxed);
  if (heard != 0) out.handshake_age_ms = now_ms - heard;
  out.probe = backend.probe.load(std::memory_order_relaxed);
  out.drained = backend.drained.load(std::memory_order_relaxed);
  return out;
}

} // namespace

Connection::Connection(Worker& worker, sys::Fd client, const route::Endpoint& peer)
    : worker_(worker), peer_(peer), opening_(std::make_unique<Opening>()),
      began_ms_(worker.now_ms()), active_ms_(began_ms_)
{
  client_.owner = this;
  client_.fd = std::move(client);
  // Most begin with their ClientHello at hand: one call finds out.
  client_.readable = client_.writable = true;
}

void Connection::set_timer(std::int64_t in_ms)
{
  worker_.set_timer(*this, worker_.now_ms() + in_ms);
}

void Connection::begin()
{
  const Timeouts& limits = worker_.settings().timeouts;
  if (expect_proxy_header(worker_.settings().trust, peer_.address) ==
      route::ProxyExpectation::required) {
    phase_ = Phase::proxy_header;
    set_timer(limits.proxy_header_ms);
  } else {
    set_timer(limits.hello_ms);
  }
  read_opening();
}

void Connection::on_event(Leg& leg, std::uint32_t events)
{
  if (closed) return;
  if (phase_ == Phase::connecting && &leg != &client_) return on_attempt(leg, events);
  leg.note(events);
  work();
}

void Connection::on_turn()
{
  if (!closed) work();
}

void Connection::work()
{
  switch (phase_) {
  case Phase::proxy_header:
  case Phase::hello:
    return read_opening();
  case Phase::handshake:
    return handshake();
  case Phase::listening:
    if (client_.hung_up && client_.broken()) return close();
    return client_.readable ? connect() : void();
  case Phase::resolving:
  case Phase::connecting:
    // The client's bytes wait; one that has broken off is not waited for.
    if (client_.hung_up && client_.broken()) close();
    return;
  case Phase::relaying:
    return relay();
  case Phase::lingering:
    return throw_away();
  }
}

void Connection::on_timer()
{
  if (closed) return;
  Counters& counters = worker_.counters();
  switch (phase_) {
  case Phase::proxy_header:
    counters.add(Count::timed_out_header);
    return close();
  case Phase::hello:
    counters.add(Count::timed_out_hello);
    return close();
  case Phase::handshake:
    counters.add(Count::timed_out_handshake);
    return close();
  case Phase::listening:
    return connect();
  case Phase::resolving:
    return refuse(route::RefusedFor::resolver_failed);
  case Phase::connecting:
    return race();
  case Phase::relaying:
    return check_idle();
  case Phase::lingering:
    return by_kernel_ ? look_whether_sent() : close();
  }
}

void Connection::read_opening()
{
  while (!closed && (phase_ == Phase::proxy_header || phase_ == Phase::hello)) {
    if (!client_.readable) {
      if (!worker_.watch(client_)) close();
      return;
    }
    std::size_t count = 0;
    switch (client_.receive(worker_.scratch(), count)) {
    case Io::blocked:
      continue;
    case Io::ended:
    case Io::failed:
      return close();
    case Io::done:
      break;
    }
    const ByteView bytes = worker_.scratch().first(count);
    if (phase_ == Phase::hello)
      take_hello(bytes);
    else
      take_proxy_header(bytes);
  }
}

void Connection::take_proxy_header(ByteView bytes)
{
  Bytes& so_far = opening_->proxy_bytes;
  so_far.insert(so_far.end(), bytes.begin(), bytes.end());
  const route::ProxyOutcome outcome = route::read_proxy_header(so_far);
  if (std::holds_alternative<route::ProxyNeedMore>(outcome)) return;
  const auto* header = std::get_if<route::ProxyHeader>(&outcome);
  if (header == nullptr) {
    worker_.counters().add(Count::proxy_header_refused);
    return close();
  }
  opening_->proxy_version = header->version;
  opening_->proxied = header->addresses;
  phase_ = Phase::hello;
  set_timer(worker_.settings().timeouts.hello_ms);
  const Bytes rest{so_far.begin() + static_cast<std::ptrdiff_t>(header->size), so_far.end()};
  so_far = {};
  if (!rest.empty()) take_hello(rest);
}

void Connection::take_hello(ByteView bytes)
{
  const auto outcome = opening_->peeker.feed(bytes);
  if (std::holds_alternative<route::HelloPeeker::NeedMore>(outcome)) return;
  if (const auto* rejection = std::get_if<route::Rejection>(&outcome)) {
    worker_.counters().add(Count::hello_rejected);
    return refuse(rejection->alert);
  }
  decide(std::get<route::Hello>(outcome));
}

void Connection::decide(const route::Hello& hello)
{
  opening_->published = worker_.published();
  opening_->server_name = hello.server_name;
  if (hello.alpn.size() == 1 && hello.alpn.front() == acme::tls_alpn_protocol)
    return answer_challenge(hello.server_name);
  const Published& published = *opening_->published;
  const route::Route route = route_of(hello, published.route, *published.world.table);
  std::visit(
      Overloaded{[this](const route::ToBuiltIn& page) { decide_builtin(page); },
                 [this](const route::ToApp& app) { decide_app(app); },
                 [this](const route::ToCustomDomain& custom) { ask_for_custom_domain(custom.host); },
                 [this](const route::Refusal& refusal) { refuse(refusal.why); }},
      route);
}

void Connection::decide_app(const route::ToApp& app)
{
  const Published& published = *opening_->published;
  // Failures and handshakes are told in the time of this clock.
  const Time now = sys::now();
  const auto chosen = route::choose(
      *published.world.table, app,
      [&published, now](std::uint32_t index) {
        return state_of(*published.world.targets.at(index).backend, now.ms);
      },
      worker_.settings().balance, now, worker_.random());
  if (const auto* refusal = std::get_if<route::Refusal>(&chosen)) {
    if (refusal->why == route::RefusedFor::policy_unknown) want_policies(app);
    return refuse(refusal->why);
  }
  const auto& candidates = std::get<route::Candidates>(chosen);
  opening_->order = candidates.order;
  opening_->proxy_header_out = candidates.proxy_protocol;
  opening_->port = app.label.port;
  if (app.domain.empty()) { // a custom domain: passed through unless its certificate is here
    SSL_CTX* const own = published.tls->find_itself(opening_->server_name);
    return own != nullptr ? start_tls(own) : connect();
  }
  if (app.label.mode == route::Mode::passthrough) return connect();
  start_tls(published.tls->find(app.domain, app.label.mode));
}

void Connection::want_policies(const route::ToApp& app)
{
  if (!worker_.outside().policy_wanted) return;
  const route::AppTable& table = *opening_->published->world.table;
  for (const std::uint32_t index : app.match->members)
    if (table.at(index).policies.effective() == nullptr)
      worker_.outside().policy_wanted(table.at(index).id);
}

void Connection::decide_builtin(const route::ToBuiltIn& page)
{
  const Published& published = *opening_->published;
  if (published.world.pages_socket.empty()) return refuse(route::RefusedFor::unknown_app);
  opening_->to_pages = true;
  start_tls(published.tls->find(page.domain, route::Mode::terminate));
}

void Connection::ask_for_custom_domain(const std::string& host)
{
  if (!worker_.outside().custom_target) return refuse(route::RefusedFor::no_txt_record);
  phase_ = Phase::resolving;
  set_timer(worker_.settings().timeouts.resolve_ms);
  if (!worker_.watch(client_)) return close();
  worker_.await(*this);
  worker_.outside().custom_target(
      host, [mailbox = worker_.mailbox(), id = ticket](Result<route::CustomTarget> to) {
        mailbox->post([id, to = std::move(to)](Worker& worker) { worker.resolved(id, to); });
      });
}

void Connection::resolved(const Result<route::CustomTarget>& target)
{
  if (closed || phase_ != Phase::resolving) return;
  if (!target)
    return refuse(target.error().code() == Errc::io || target.error().code() == Errc::timeout
                      ? route::RefusedFor::resolver_failed
                      : route::RefusedFor::no_txt_record);
  const route::Route route = route_of(*target, *opening_->published->world.table);
  if (const auto* app = std::get_if<route::ToApp>(&route)) return decide_app(*app);
  refuse(std::get<route::Refusal>(route).why);
}

void Connection::answer_challenge(const std::string& name)
{
  SSL_CTX* const context = opening_->published->tls->find_challenge(name);
  if (context == nullptr) return refuse(route::Alert::no_application_protocol);
  worker_.counters().add(Count::challenges_answered);
  start_tls(context);
}

void Connection::start_tls(SSL_CTX* context)
{
  if (context == nullptr) {
    worker_.counters().add(Count::no_certificate);
    return refuse(route::Alert::internal_error);
  }
  const auto sealer =
      worker_.kernel_tls() ? TlsChannel::Sealer::kernel : TlsChannel::Sealer::openssl;
  auto tls = TlsChannel::create(context, client_, worker_.cipher(), opening_->peeker.take_bytes(),
                                sealer);
  if (!tls) return refuse(route::Alert::internal_error);
  tls_ = *std::move(tls);
  phase_ = Phase::handshake;
  set_timer(worker_.settings().timeouts.handshake_ms);
  handshake();
}

void Connection::handshake()
{
  if (!flush(down_, client_)) return close();
  Counters& counters = worker_.counters();
  const Io io = tls_->handshake();
  tls_->put_aside();
  const bool sent = send_cipher();
  if (io == Io::blocked && sent) {
    // Only now: the first flight needs no event.
    if (!(tls_->wants_room() ? worker_.watch_for_room(client_) : worker_.watch(client_))) close();
    return;
  }
  if (io != Io::done || !sent) {
    counters.add(Count::handshakes_failed);
    return client_.reset || !sent || io == Io::ended ? close() : linger();
  }
  counters.add(tls_->version() == TLS1_3_VERSION ? Count::handshakes_1_3 : Count::handshakes_1_2);
  if (tls_->resumed()) counters.add(Count::handshakes_resumed);
  if (tls_->kernel_sends()) counters.add(Count::kernel_tls);
  // What was decided by is what TLS found.
  const auto name = route::host_name(tls_->server_name());
  if (!name || *name != opening_->server_name) return break_off();
  if (client_.hung_up && client_.broken()) return close();
  if (opening_->to_pages) return connect_to_pages();
  if (opening_->order.empty()) return linger(); // a challenge: the certificate was all
  if (tls_->has_input() || client_.readable) return connect();
  phase_ = Phase::listening;
  set_timer(silence_ms);
  if (!worker_.watch(client_)) close();
}

void Connection::refuse(route::RefusedFor why)
{
  worker_.counters().add(why);
  refuse(route::alert_of(why));
}

/// In the clear: TLS has not begun.
void Connection::refuse(route::Alert alert)
{
  if (tls_) {
    tls_->close_notify();
    send_cipher();
  } else {
    const auto record = route::alert_record(alert);
    std::size_t count = 0;
    static_cast<void>(client_.send(record, count));
  }
  linger();
}

/// A socket that is closed with bytes unread resets the connection, and what we sent last is lost.
/// So is, when its socket is shut down, the last record of a kernel that seals, as long as TCP has
/// no room for it: that one ends when all has arrived.
void Connection::linger()
{
  account();
  phase_ = Phase::lingering;
  by_kernel_ = kernel_sends();
  active_ms_ = worker_.now_ms();
  opening_.reset();
  server_.reset();
  tls_.reset();
  held_ = Held{};
  if (!by_kernel_) client_.end_sending();
  client_.readable = true;
  set_timer(by_kernel_ ? look_ms : linger_ms);
  if (!worker_.watch(client_)) return close();
  throw_away();
}

void Connection::throw_away()
{
  constexpr int most_reads = 16;
  for (int i = 0; i < most_reads && client_.readable; ++i) {
    std::size_t count = 0;
    const Io io = client_.receive(worker_.scratch(), count);
    if (io == Io::failed || (io == Io::ended && !by_kernel_)) return close();
    if (io != Io::done) return;
  }
  if (client_.readable) worker_.again(*this);
}

/// Two looks in a row that find nothing on its way: after the first the kernel may still have handed
/// on what it had kept.
void Connection::look_whether_sent()
{
  const bool before = std::exchange(all_sent_, !client_.has_unacknowledged());
  const Timeouts& limits = worker_.settings().timeouts;
  const std::int64_t now = worker_.now_ms();
  const bool too_long = now >= began_ms_ + limits.total_ms ||
                        (limits.idle_ms != 0 && now >= active_ms_ + limits.idle_ms);
  if ((before && all_sent_) || too_long) return close();
  set_timer(look_ms);
}

} // namespace dstack::proxy
