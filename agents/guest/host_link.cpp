#include "guest/host_link.hpp"

#include "base/text.hpp"
#include "guest/modules.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

constexpr std::string_view port_name = "dstack.host";
constexpr std::uint32_t host_cid = 2;
constexpr std::uint32_t host_port = 10000;
constexpr std::chrono::milliseconds reconnect{50};
constexpr std::size_t few_bytes = 64 * 1024;

Result<sys::Fd> open_serial_port()
{
  std::error_code error;
  for (const auto& entry : sys::fs::directory_iterator("/sys/class/virtio-ports", error)) {
    const auto name = sys::read_text(entry.path() / "name", 256);
    if (!name || trim(*name) != port_name) continue;
    const std::string node = "/dev/" + entry.path().filename().string();
    sys::Fd fd{::open(node.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    if (!fd) return sys::errno_error("open " + node);
    return fd;
  }
  return fail(Errc::not_found, "no virtio-serial port {}", port_name);
}

Result<sys::Fd> open_channel()
{
  auto port = open_serial_port();
  if (port || port.error().code() != Errc::not_found) return port;
  TRY(load_modules({"vmw_vsock_virtio_transport"}).within("vsock"));
  sys::Fd fd = TRY(sys::connect_vsock(host_cid, host_port).within("no virtio-serial port, vsock"));
  TRY(sys::set_nonblocking(fd.get()));
  return fd;
}

std::uint64_t random_start()
{
  std::uint32_t value = 0;
  if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) return 1;
  return std::uint64_t{value} << 16U; // stays far below 2^63
}

} // namespace

void HostReply::finish(const Result<codec::Json>& result) const
{
  link_->on_cancel_.erase(id_);
  link_->channel_.answer(id_, result);
  link_->write_available();
}

bool HostReply::piece(std::string_view data) const
{
  const bool wanted = link_->channel_.piece(id_, as_bytes(data));
  link_->write_available();
  return wanted;
}

void HostReply::on_cancel(std::function<void()> action) const
{
  link_->on_cancel_[id_] = std::move(action);
}

Result<std::unique_ptr<HostLink>> HostLink::open(sys::Loop& loop)
{
  sys::Fd fd = TRY(open_channel().within("channel to the host"));
  std::unique_ptr<HostLink> link{new HostLink{loop, std::move(fd), random_start()}};
  link->watch();
  return link;
}

HostLink::HostLink(sys::Loop& loop, sys::Fd fd, std::uint64_t first_id)
    : loop_(loop), fd_(std::move(fd)), channel_(first_id)
{
}

HostLink::~HostLink()
{
  if (watched_) loop_.forget(fd_.get());
}

void HostLink::watch()
{
  const std::uint32_t events = backlog() == 0 ? EPOLLIN : EPOLLIN | EPOLLOUT;
  if (watched_) {
    if (loop_.change(fd_.get(), events)) return;
    loop_.forget(fd_.get());
  }
  const Status watching =
      loop_.watch(fd_.get(), events, [this](std::uint32_t ready) { on_event(ready); });
  watched_ = static_cast<bool>(watching);
}

void HostLink::on_event(std::uint32_t events)
{
  if ((events & EPOLLIN) != 0) static_cast<void>(read_available());
  if ((events & EPOLLOUT) != 0) write_available();
  dispatch();
  if ((events & EPOLLHUP) == 0) return;
  // Nobody holds the host's end now: look again later instead of spinning.
  loop_.forget(fd_.get());
  watched_ = false;
  loop_.after(reconnect, [this] { watch(); });
}

Status HostLink::read_available()
{
  std::array<std::uint8_t, 65536> buffer{};
  while (true) {
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return ok();
    if (n < 0) return sys::errno_error("read from the host");
    if (n == 0) return ok(); // nobody at the other end
    for (auto& event : channel_.feed(ByteView{buffer.data(), static_cast<std::size_t>(n)}))
      keep(std::move(event));
  }
}

void HostLink::keep(rpc::ChannelEvent event)
{
  const auto* answer = std::get_if<rpc::AnswerEvent>(&event);
  if (answer != nullptr && awaited_ == answer->id)
    answers_.insert_or_assign(answer->id, answer->result);
  else if (answer == nullptr)
    pending_.push_back(std::move(event));
}

void HostLink::write_available()
{
  while (backlog() > 0) {
    const std::string_view out = channel_.output();
    const ssize_t n = ::write(fd_.get(), out.data(), out.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    channel_.consume_output(static_cast<std::size_t>(n));
  }
  watch();
  if (backlog() > few_bytes) return;
  std::vector<std::function<void()>> waiting;
  waiting.swap(drained_);
  for (const auto& action : waiting)
    loop_.after(std::chrono::milliseconds{0}, action);
}

void HostLink::dispatch()
{
  while (!pending_.empty()) {
    const rpc::ChannelEvent event = std::move(pending_.front());
    pending_.pop_front();
    if (const auto* request = std::get_if<rpc::RequestEvent>(&event)) {
      if (serve_) serve_(request->method, request->params, HostReply{*this, request->id});
    } else if (const auto* cancelled = std::get_if<rpc::CancelEvent>(&event)) {
      const auto at = on_cancel_.find(cancelled->id);
      if (at == on_cancel_.end()) continue;
      const auto action = std::move(at->second);
      on_cancel_.erase(at);
      action();
    }
  }
}

/// Moves bytes for at most the time given, without the loop.
Status HostLink::pump(std::chrono::milliseconds wait)
{
  const bool sending = backlog() > 0;
  pollfd ready{fd_.get(), static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN), 0};
  const int count = ::poll(&ready, 1, static_cast<int>(wait.count()));
  if (count < 0 && errno != EINTR) return sys::errno_error("poll the host");
  if (count <= 0) return ok();
  if ((ready.revents & POLLIN) != 0) TRY(read_available());
  if ((ready.revents & POLLOUT) != 0) write_available();
  if ((ready.revents & POLLHUP) != 0) ::poll(nullptr, 0, static_cast<int>(reconnect.count()));
  return ok();
}

Result<codec::Json>
HostLink::call(std::string_view method, codec::Json params, std::chrono::milliseconds deadline)
{
  const std::uint64_t id = TRY(channel_.call(method, std::move(params)));
  awaited_ = id;
  const sys::Deadline until{deadline};
  write_available();
  Status moved = ok();
  while (moved && !answers_.contains(id) && !until.passed())
    moved = pump(until.left());
  awaited_.reset();
  if (!pending_.empty()) loop_.after(std::chrono::milliseconds{0}, [this] { dispatch(); });
  if (auto answer = answers_.extract(id); !answer.empty())
    return std::move(answer.mapped()).within("host, {}", method);
  channel_.cancel(id);
  TRY(std::move(moved));
  return fail(Errc::timeout, "the host did not answer {} in {} ms", method, deadline.count());
}

void HostLink::notify(std::string_view event, std::string_view payload)
{
  codec::Json params;
  params.set("event", event).set("payload", payload);
  // With hundreds of unanswered calls nobody listens; the boot goes on without an audience.
  static_cast<void>(channel_.call("Notify", std::move(params)));
  write_available();
}

void HostLink::notify_surely(std::string_view event,
                             std::string_view payload,
                             std::chrono::milliseconds deadline)
{
  codec::Json params;
  params.set("event", event).set("payload", payload);
  static_cast<void>(call("Notify", std::move(params), deadline));
}

} // namespace dstack::guest
