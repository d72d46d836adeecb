#include "net/connection.hpp"

#include <atomic>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace dstack::net {

namespace {

constexpr std::size_t read_size = std::size_t{16} << 10U;
constexpr std::size_t compact_size = std::size_t{256} << 10U;
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
                       sys::Fd fd)
    : loop_(loop), limits_(limits), on_request_(std::move(on_request)),
      on_closed_(std::move(on_closed)), fd_(std::move(fd)), parser_(limits.message),
      turn_(next_turn()), local_(is_unix(fd_.get()))
{
}

Connection::~Connection()
{
  loop_.cancel(timer_);
}

Status Connection::open()
{
  TRY(sys::set_nonblocking(fd_.get()));
  const std::weak_ptr<Connection> weak = weak_from_this();
  TRY(loop_.watch(fd_.get(), EPOLLIN | EPOLLRDHUP, [weak](std::uint32_t events) {
    if (const auto self = weak.lock()) self->ready(events);
  }));
  arm(limits_.idle);
  return ok();
}

std::optional<std::uint64_t> Connection::waiting_since() const
{
  if (state_ != State::reading && state_ != State::lingering) return std::nullopt;
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
  state_ = State::closed;
  loop_.cancel(timer_);
  loop_.forget(fd_.get());
  const int number = fd_.get();
  fd_.reset();
  drained_ = nullptr;
  if (gone_) std::exchange(gone_, nullptr)();
  on_closed_(number);
}

void Connection::ready(std::uint32_t events)
{
  if ((events & (EPOLLERR | EPOLLHUP)) != 0U) return close();
  if ((events & EPOLLOUT) != 0U) flush();
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0U && state_ != State::closed) read();
}

void Connection::read()
{
  const auto data = sys::read_some(fd_.get(), read_size);
  if (!data) {
    if (errno != EAGAIN) close();
    return;
  }
  if (data->empty()) return end_of_input();
  if (state_ == State::lingering || state_ == State::streaming) return;
  input_ += as_text(*data);
  advance();
  if (state_ != State::closed) watch_events();
}

/// The client closed its side: an answer under way is still sent, then the connection ends. Over
/// TCP this also means a client that is gone, so an endless stream ends here.
void Connection::end_of_input()
{
  peer_done_ = true;
  const bool gone = state_ == State::streaming && !local_;
  if (gone || state_ == State::reading || state_ == State::lingering) return close();
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
  output_ += http::write_response(response, more);
  if (head_only_) output_.resize(output_.size() - response.body.size());
  finished_ = true;
  arm(limits_.write);
  flush();
}

void Connection::stream_start(const http::Response& head)
{
  if (state_ != State::answering || finished_) return;
  state_ = State::streaming;
  keep_alive_ = false;
  output_ += http::write_response_head(head) + "Connection: close\r\n\r\n";
  flush();
}

bool Connection::stream_piece(std::string_view piece)
{
  if (state_ != State::streaming || finished_) return false;
  if (unsent() + piece.size() > limits_.max_unsent) {
    close();
    return false;
  }
  if (!head_only_) output_ += piece;
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
  while (sent_ < output_.size()) {
    const std::string_view rest = std::string_view{output_}.substr(sent_);
    const ssize_t n = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return watch_events();
    if (n < 0) return close();
    sent_ += static_cast<std::size_t>(n);
    // A stream's reader must only keep moving; a plain answer has one deadline for all of it.
    if (state_ == State::streaming) arm(limits_.write);
    if (sent_ > compact_size) output_.erase(0, std::exchange(sent_, 0));
  }
  output_.clear();
  sent_ = 0;
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
  if (peer_done_ || (!refused_ && input_.empty())) return close();
  input_.clear();
  state_ = State::lingering;
  ::shutdown(fd_.get(), SHUT_WR);
  arm(linger);
  watch_events();
}

void Connection::watch_events()
{
  const bool full = state_ == State::answering && input_.size() >= read_size;
  const std::uint32_t in = peer_done_ || full ? 0U : EPOLLIN | EPOLLRDHUP;
  const std::uint32_t out = output_.empty() ? 0U : EPOLLOUT;
  static_cast<void>(loop_.change(fd_.get(), in | out));
}

} // namespace dstack::net
