#include "net/connection.hpp"

#include "net/tls_session.hpp"

#include <atomic>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace dstack::net {

namespace {

constexpr std::chrono::milliseconds linger{5'000};

/// Order of events across connections; loops of several threads may share it.
std::uint64_t next_turn()
{
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

bool is_unix(int fd)
{
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

} // namespace

Connection::Connection(sys::Loop& loop,
                       const ServerLimits& limits,
                       OnRequest on_request,
                       OnClosed on_closed,
                       Stream stream,
                       std::string address)
    : loop_(loop), limits_(limits), on_request_(std::move(on_request)),
      on_closed_(std::move(on_closed)), stream_(std::move(stream)),
      peer_(std::make_shared<const Peer>(Peer{std::move(address), {}})), parser_(limits.message),
      state_(stream_.established() ? State::reading : State::handshaking), turn_(next_turn()),
      local_(is_unix(stream_.fd()))
{
}

Connection::~Connection()
{
  loop_.cancel(timer_);
}

Status Connection::open()
{
  TRY(sys::set_nonblocking(stream_.fd()));
  const std::weak_ptr<Connection> weak = weak_from_this();
  TRY(loop_.watch(stream_.fd(), EPOLLIN | EPOLLRDHUP, [weak](std::uint32_t events) {
    if (const auto self = weak.lock()) self->ready(events);
  }));
  arm(limits_.idle);
  return ok();
}

std::optional<std::uint64_t> Connection::waiting_since() const
{
  if (state_ == State::answering || state_ == State::streaming) return std::nullopt;
  return turn_;
}

void Connection::arm(std::chrono::milliseconds delay)
{
  loop_.cancel(timer_);
  const std::weak_ptr<Connection> weak = weak_from_this();
  timer_ = loop_.after(delay, [weak] {
    if (const auto self = weak.lock()) self->close();
  });
}

void Connection::close()
{
  if (state_ == State::closed) return;
  const auto self = shared_from_this(); // on_closed_ lets go of us
  // Between requests the end is an orderly one; elsewhere it must not look so.
  if (state_ == State::reading && stream_.tls() != nullptr) stream_.finish();
  state_ = State::closed;
  loop_.cancel(timer_);
  loop_.forget(stream_.fd());
  const int number = stream_.fd();
  stream_.reset();
  drained_ = nullptr;
  if (gone_) std::exchange(gone_, nullptr)();
  on_closed_(number);
}

void Connection::ready(std::uint32_t events)
{
  if ((events & (EPOLLERR | EPOLLHUP)) != 0U) return close();
  if (state_ == State::handshaking) return handshake();
  if ((events & EPOLLOUT) != 0U) {
    if (state_ == State::lingering)
      say_end();
    else
      flush();
  }
  if ((events & (EPOLLIN | EPOLLRDHUP)) == 0U || state_ == State::closed) return;
  if (state_ == State::lingering)
    drain();
  else
    read();
}

/// From its first byte on it has as long as a request.
void Connection::handshake()
{
  if (!std::exchange(greeted_, true)) arm(limits_.request);
  const Io outcome = stream_.handshake().outcome;
  if (outcome == Io::wait_in || outcome == Io::wait_out)
    return static_cast<void>(loop_.change(
        stream_.fd(), outcome == Io::wait_in ? EPOLLIN | EPOLLRDHUP : std::uint32_t{EPOLLOUT}));
  if (outcome != Io::done) return handshake_failed();
  peer_ = std::make_shared<const Peer>(Peer{peer_->address, stream_.tls()->peer_certificate()});
  state_ = State::reading;
  arm(limits_.idle);
  watch_events();
}

/// OpenSSL has sent the alert that says why, except to those who do not speak TLS.
void Connection::handshake_failed()
{
  if (stream_.tls()->plain_http()) {
    const std::string text = http::write_response({400,
                                                   {{"Content-Type", "application/json"}},
                                                   "{\n  \"error\": \"this port speaks HTTPS\"\n}"},
                                                  false);
    static_cast<void>(::send(stream_.fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }
  refused_ = true;
  end();
}

void Connection::read()
{
  std::array<std::uint8_t, stream_read_size> room{};
  const IoStep step = stream_.read(room);
  if (step.outcome == Io::wait_in) return;
  if (step.outcome == Io::ended) return end_of_input();
  if (step.outcome != Io::done) return close();
  if (state_ == State::streaming) return;
  input_ += as_text(ByteView{room}.first(step.count));
  advance();
  if (state_ != State::closed) watch_events();
}

/// Reads on without listening.
void Connection::drain()
{
  const Io outcome = stream_.discard().outcome;
  if (outcome != Io::done && outcome != Io::wait_in) close();
}

/// The client closed its side: an answer under way is still sent, then the connection ends. Over
/// TCP this also means a client that is gone, so an endless stream ends here.
void Connection::end_of_input()
{
  peer_done_ = true;
  const bool gone = state_ == State::streaming && !local_;
  if (gone || state_ == State::reading) return close();
  watch_events();
}

/// Works through the input. Requests that came together are answered one after the other, here and
/// not from within send(), so their number cannot exhaust the stack.
void Connection::advance()
{
  if (advancing_) return;
  advancing_ = true;
  while (state_ == State::reading && !input_.empty()) {
    if (parser_.fresh()) arm(limits_.request);
    const auto used = parser_.feed(input_);
    if (!used) {
      refuse(used.error());
      break;
    }
    input_.erase(0, *used);
    if (!parser_.complete()) break;
    http::Request request = parser_.take();
    keep_alive_ = request.keep_alive;
    head_only_ = request.method == "HEAD";
    state_ = State::answering;
    loop_.cancel(timer_);
    on_request_(std::move(request), shared_from_this());
  }
  advancing_ = false;
  if (peer_done_ && state_ == State::reading) close();
}

void Connection::refuse(const Error& why)
{
  refused_ = true;
  keep_alive_ = false;
  state_ = State::answering;
  send({400,
        {{"Content-Type", "application/json"}},
        fmt::format("{{\n  \"error\": \"{}\"\n}}", why.message())});
}

void Connection::send(const http::Response& response)
{
  if (state_ != State::answering || finished_) return;
  const bool more = keep_alive_ && !(peer_done_ && input_.empty());
  std::string text = http::write_response(response, more);
  if (head_only_) text.resize(text.size() - response.body.size());
  output_.add(std::move(text));
  finished_ = true;
  arm(limits_.write);
  flush();
}

void Connection::stream_start(const http::Response& head)
{
  if (state_ != State::answering || finished_) return;
  state_ = State::streaming;
  keep_alive_ = false;
  output_.add(http::write_response_head(head) + "Connection: close\r\n\r\n");
  flush();
}

bool Connection::stream_piece(std::string_view piece)
{
  if (state_ != State::streaming || finished_) return false;
  if (unsent() + piece.size() > limits_.max_unsent) {
    close();
    return false;
  }
  if (!head_only_) output_.add(piece);
  flush();
  return state_ == State::streaming;
}

void Connection::stream_finish()
{
  if (state_ != State::streaming || finished_) return;
  finished_ = true;
  arm(limits_.write);
  flush();
}

void Connection::flush()
{
  while (output_.size() > 0) {
    const IoStep step = stream_.write(output_.rest());
    if (step.outcome == Io::wait_out) return watch_events();
    if (step.outcome != Io::done) return close();
    output_.sent(step.count);
    // A stream's reader must only keep moving; a plain answer has one deadline for all of it.
    if (state_ == State::streaming) arm(limits_.write);
  }
  if (finished_) return finish_answer();
  if (state_ == State::streaming) loop_.cancel(timer_);
  if (state_ != State::closed) watch_events();
  if (drained_) std::exchange(drained_, nullptr)();
}

void Connection::finish_answer()
{
  finished_ = false;
  gone_ = nullptr;
  drained_ = nullptr;
  if (!keep_alive_ || (peer_done_ && input_.empty())) return end();
  state_ = State::reading;
  turn_ = next_turn();
  arm(limits_.idle);
  watch_events();
  advance();
}

/// Closing while the peer still sends would reset the connection and could take the answer with it
/// (RFC 9112 9.6): shut our side, and read on for a moment.
void Connection::end()
{
  linger_ = !peer_done_ && (refused_ || !input_.empty());
  input_.clear();
  state_ = State::lingering;
  arm(linger);
  say_end();
}

void Connection::say_end()
{
  end_unsaid_ = stream_.finish().outcome == Io::wait_out;
  if (!end_unsaid_ && !linger_) return close();
  watch_events();
}

void Connection::watch_events()
{
  const bool full = state_ == State::answering && input_.size() >= stream_read_size;
  const std::uint32_t in = peer_done_ || full ? 0U : EPOLLIN | EPOLLRDHUP;
  const std::uint32_t out = output_.size() == 0 && !end_unsaid_ ? 0U : EPOLLOUT;
  static_cast<void>(loop_.change(stream_.fd(), in | out));
}

} // namespace dstack::net
