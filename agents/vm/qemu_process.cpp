#include "agents/vm/qemu_process.hpp"

#include "sys/sockets.hpp"

#include <csignal>
#include <sys/epoll.h>

namespace dstack::supervisor {

namespace {

constexpr std::chrono::milliseconds connect_every{20};
/// 25 s: less than the 30 s a command line waits for our readiness.
constexpr int max_connects = 1250;

} // namespace

std::string QemuEnd::describe() const
{
  if (reason.empty()) return state.describe();
  return fmt::format("{} ({})", state.describe(), reason);
}

Result<std::unique_ptr<QemuProcess>>
QemuProcess::start(sys::Loop& loop, const Command& command, Hooks hooks)
{
  const sys::Fd log = TRY(sys::open_append(command.log, sys::Privacy::owner_only));
  sys::Command spawned;
  spawned.argv = command.argv;
  spawned.directory = command.directory;
  spawned.fds = {{1, log.get()}, {2, log.get()}};
  spawned.lifetime = sys::Lifetime::with_parent;
  sys::Child child = TRY(sys::spawn(spawned));
  std::unique_ptr<QemuProcess> process{
      new QemuProcess{loop, std::move(child), command, std::move(hooks)}};
  QemuProcess* self = process.get();
  TRY(loop.watch(self->child_.pidfd(), EPOLLIN, [self](std::uint32_t) { self->on_end(); }));
  self->connect();
  return process;
}

QemuProcess::QemuProcess(sys::Loop& loop, sys::Child child, const Command& command, Hooks hooks)
    : loop_(loop), child_(std::move(child)), qmp_path_(command.qmp_socket), hooks_(std::move(hooks))
{
}

QemuProcess::~QemuProcess()
{
  loop_.cancel(retry_);
  loop_.forget(child_.pidfd());
  const auto ended = child_.try_wait();
  if (ended && !*ended) {
    kill();
    static_cast<void>(child_.wait(std::chrono::milliseconds{5'000}));
  }
}

void QemuProcess::connect()
{
  auto fd = sys::connect_unix(qmp_path_);
  if (!fd) {
    if (++tries_ >= max_connects) return kill();
    retry_ = loop_.after(connect_every, [this] { connect(); });
    return;
  }
  auto stream =
      Stream::open(loop_, std::move(*fd), {[this](ByteView data) { on_data(data); }, [] {}});
  if (!stream) return kill();
  stream_ = std::move(*stream);
}

void QemuProcess::on_data(ByteView data)
{
  const auto events = qmp_.feed(data);
  if (!events) return; // a refused command: its effect will be missed, the process goes on
  stream_->send(qmp_.take_output());
  for (const QmpEvent& event : *events)
    on_event(event);
}

void QemuProcess::on_event(const QmpEvent& event)
{
  if (event.name.empty()) return hooks_.ready();
  if (event.name == "SHUTDOWN") {
    const auto reason = event.data.get_string("reason", "");
    shutdown_reason_ = reason ? *reason : "";
  } else if (event.name == "BLOCK_IO_ERROR") {
    const auto full = event.data.get_bool("nospace", false);
    if (full && *full) hooks_.disk_full();
  }
}

void QemuProcess::execute(std::string_view command)
{
  qmp_.execute(command);
  if (stream_) stream_->send(qmp_.take_output());
}

void QemuProcess::kill()
{
  static_cast<void>(child_.kill(SIGKILL));
}

void QemuProcess::on_end()
{
  const auto state = child_.try_wait();
  if (!state || !*state) return;
  loop_.cancel(retry_);
  loop_.forget(child_.pidfd());
  if (stream_) stream_->drain(); // the SHUTDOWN event may still lie there
  const auto ended = hooks_.ended;
  ended(QemuEnd{**state, shutdown_reason_});
}

} // namespace dstack::supervisor
