// Bytes from one side to the other, until both have ended.

#include "proxy/worker.hpp"

#include <algorithm>

namespace dstack::proxy {

namespace {

constexpr std::uint32_t least_chunk = 16U << 10U;
constexpr std::uint32_t most_chunk = 128U << 10U;
constexpr int reads_a_turn = 4;
constexpr std::size_t small_move = 16U << 10U;
constexpr std::uint8_t most_small_moves = 4;
/// TLS answers some of what clients send by itself: one that does not read is not read from either.
constexpr std::size_t most_pending = 256U << 10U;

/// Large reads where bytes flow, small ones where they are not taken: what is read and not taken is
/// kept in memory.
void adapt(Flow& flow, std::size_t got, std::size_t asked)
{
  if (got != asked) {
    flow.full_run = 0;
    return;
  }
  flow.full_run += got;
  flow.chunk = std::min(flow.chunk * 2, most_chunk);
}

std::span<std::uint8_t> room(Flow& flow, std::span<std::uint8_t> scratch)
{
  if (flow.chunk == 0) flow.chunk = least_chunk;
  return scratch.first(std::min<std::size_t>(flow.chunk, scratch.size()));
}

} // namespace

void Connection::relay()
{
  // Most wake-ups are for one direction.
  if (!up_.finished && (client_.readable || !up_.pending.empty() || up_.pipe || up_.source_ended ||
                        (tls_ && tls_->has_input())))
    pump_up();
  if (closed || phase_ != Phase::relaying) return;
  if (!down_.finished &&
      (server_->readable || !down_.pending.empty() || down_.pipe || down_.source_ended))
    pump_down();
  if (closed || phase_ != Phase::relaying) return;
  maybe_done();
}

/// What the client sends next, decrypted. As much as there is room for.
Io Connection::read_client(std::span<std::uint8_t> space, std::size_t& count)
{
  count = 0;
  if (!tls_) return client_.readable ? client_.receive(space, count) : Io::blocked;
  Io io = Io::done;
  while (io == Io::done && count < space.size()) {
    std::size_t more = 0;
    io = tls_->read(space.subspan(count), more);
    if (io == Io::done) count += more;
  }
  return io;
}

/// False: the receiver is gone.
bool Connection::send_on(Flow& flow, Leg& to, ByteView bytes)
{
  std::size_t sent = 0;
  if (flow.pending.empty() && !bytes.empty()) {
    const Io io = to.send(bytes, sent);
    if (io == Io::failed) return false;
  }
  if (sent == bytes.size()) return true;
  flow.pending.append(bytes.subspan(sent));
  flow.chunk = least_chunk;
  return worker_.watch_for_room(to);
}

/// What TLS wants to send to the client. False: the client is gone.
bool Connection::send_cipher()
{
  Bytes& out = worker_.cipher().out;
  if (out.empty()) return true;
  const bool good = send_on(down_, client_, out);
  out.clear();
  return good;
}

/// False: the receiver is gone. What is pending afterwards, it does not take now.
bool Connection::flush(Flow& flow, Leg& to)
{
  Pending& pending = flow.pending;
  if (pending.empty() || !to.writable) return true;
  std::size_t sent = 0;
  const Io io = to.send(ByteView{pending.bytes}.subspan(pending.at), sent);
  if (io == Io::failed) return false;
  active_ms_ = worker_.now_ms();
  pending.at += sent;
  if (pending.at == pending.bytes.size()) pending = Pending{};
  return pending.empty() || worker_.watch_for_room(to);
}

void Connection::pump_up()
{
  for (int i = 0; i < reads_a_turn; ++i) {
    if (!flush(up_, *server_)) return cut_up();
    if (!up_.pending.empty()) return;
    if (tls_ && !flush(down_, client_)) return break_off();
    if (tls_ && down_.pending.bytes.size() > most_pending) return;
    if (up_.source_ended) return finish_up();
    if (should_splice(up_)) {
      if (!pump_spliced(up_, client_, *server_)) return;
      continue;
    }
    const std::span<std::uint8_t> space = room(up_, worker_.scratch());
    std::size_t count = 0;
    const Io io = read_client(space, count);
    if (count > 0) {
      active_ms_ = worker_.now_ms();
      up_.bytes += count;
      adapt(up_, count, space.size());
      if (!send_on(up_, *server_, space.first(count))) return cut_up();
    }
    if (tls_) {
      tls_->put_aside();
      if (!send_cipher()) return break_off();
    }
    if (io == Io::failed) return break_off();
    if (io == Io::ended) {
      up_.source_ended = true;
      continue;
    }
    if (io == Io::blocked || (!client_.readable && !(tls_ && tls_->has_input()))) return;
  }
  worker_.again(*this);
}

void Connection::pump_down()
{
  for (int i = 0; i < reads_a_turn; ++i) {
    if (!flush(down_, client_)) return break_off();
    if (!down_.pending.empty()) return;
    if (down_.source_ended) return finish_down();
    if (should_splice(down_)) {
      if (!pump_spliced(down_, *server_, client_)) return;
      continue;
    }
    if (!server_->readable) return;
    const std::span<std::uint8_t> space = room(down_, worker_.scratch());
    std::size_t count = 0;
    const Io io = server_->receive(space, count);
    if (io == Io::failed) return break_off();
    if (io == Io::blocked) return;
    if (io == Io::ended) {
      down_.source_ended = true;
      continue;
    }
    active_ms_ = worker_.now_ms();
    down_.bytes += count;
    adapt(down_, count, space.size());
    const bool seals = tls_ && !kernel_sends();
    if (seals && tls_->write(space.first(count)) != Io::done) return break_off();
    if (!(seals ? send_cipher() : send_on(down_, client_, space.first(count)))) return break_off();
  }
  worker_.again(*this);
}

bool Connection::should_splice(const Flow& flow) const
{
  const std::uint64_t after = worker_.settings().splice_after;
  const bool as_it_is = !tls_ || (&flow == &down_ && kernel_sends());
  return flow.pipe || (as_it_is && after != 0 && (flow.splicing || flow.full_run >= after));
}

/// True: there may be more to do at once.
bool Connection::pump_spliced(Flow& flow, Leg& from, Leg& to)
{
  if (!flow.pipe) {
    if (!from.readable) return false;
    flow.pipe = worker_.pipes().take();
    if (!flow.pipe) { // none to be had: the old way goes on
      flow.splicing = false;
      flow.full_run = 0;
      return true;
    }
    if (!flow.splicing) worker_.counters().add(Count::spliced);
    flow.splicing = true;
  }
  switch (move(flow, from, to)) {
  case Io::failed:
    break_off();
    return false;
  case Io::blocked:
    // The pipe is only kept while it holds something.
    if (flow.pipe->held() == 0) worker_.pipes().give_back(std::move(flow.pipe));
    return false;
  case Io::ended:
    flow.source_ended = true;
    break;
  case Io::done:
    break;
  }
  worker_.pipes().give_back(std::move(flow.pipe));
  return true;
}

/// Once through the pipe. Io::done: it is empty.
Io Connection::move(Flow& flow, Leg& from, Leg& to)
{
  std::size_t count = 0;
  if (flow.pipe->held() == 0) {
    if (!from.readable) return Io::blocked;
    const Io in = flow.pipe->fill(from, count);
    if (in != Io::done) return in;
    flow.bytes += count;
    flow.small_moves = count < small_move ? static_cast<std::uint8_t>(flow.small_moves + 1) : 0;
    if (flow.small_moves == most_small_moves) {
      flow.splicing = false;
      flow.small_moves = 0;
      flow.full_run = 0;
    }
  }
  const Io out = flow.pipe->drain(to, count);
  if (count > 0) active_ms_ = worker_.now_ms();
  if (out == Io::blocked && !worker_.watch_for_room(to)) return Io::failed;
  return out == Io::ended ? Io::failed : out;
}

/// The app takes no more. What it said before that is still handed on.
void Connection::cut_up()
{
  if (tls_) tls_->put_aside();
  up_.pending = Pending{};
  up_.finished = true;
  up_cut_ = true;
  server_->readable = true;
}

void Connection::finish_up()
{
  if (up_.finished) return;
  up_.finished = true;
  if (!down_.finished) server_->end_sending(); // closing it, which comes next, tells as much
}

void Connection::finish_down()
{
  if (down_.finished) return;
  if (tls_ && !end_told_) {
    if (tls_->close_notify() == Io::blocked) {
      if (!worker_.watch_for_room(client_)) break_off();
      return; // comes back here when there is room
    }
    end_told_ = true;
    if (!send_cipher()) return break_off();
    if (!down_.pending.empty()) return; // comes back here when that is sent
  }
  down_.finished = true;
  if (!up_.finished && !kernel_sends()) client_.end_sending();
}

void Connection::maybe_done()
{
  if (!up_.finished || !down_.finished) return;
  return up_cut_ || (kernel_sends() && client_.has_unacknowledged()) ? linger() : close();
}

void Connection::check_idle()
{
  const Timeouts& limits = worker_.settings().timeouts;
  const std::int64_t now = worker_.now_ms();
  std::int64_t due = began_ms_ + limits.total_ms;
  if (now >= due) {
    worker_.counters().add(Count::timed_out_total);
    return close();
  }
  if (limits.idle_ms != 0) {
    const std::int64_t idle = active_ms_ + limits.idle_ms;
    if (now >= idle) {
      worker_.counters().add(Count::timed_out_idle);
      return close();
    }
    due = std::min(due, idle);
  }
  worker_.set_timer(*this, due);
}

/// One side is gone, or TLS is broken: the other must not take what it has for all there is. A
/// client of TLS can tell by the close_notify that does not come, and gets what is on its way.
void Connection::break_off()
{
  worker_.counters().add(Count::broken_off);
  if (server_ && !server_->reset) server_->reset_on_close();
  if (!tls_ && !client_.reset) client_.reset_on_close();
  close();
}

/// Once, when relaying is over.
void Connection::account()
{
  if (tls_) {
    CipherBuffers& buffers = worker_.cipher();
    buffers.begin = buffers.end = 0;
    buffers.out.clear();
  }
  if (phase_ != Phase::relaying) return;
  Counters& counters = worker_.counters();
  counters.add(tls_ ? Count::terminated_bytes_in : Count::passed_through_bytes_in, up_.bytes);
  counters.add(tls_ ? Count::terminated_bytes_out : Count::passed_through_bytes_out, down_.bytes);
  if (Backend* const backend = held_.get()) {
    backend->bytes_in.fetch_add(up_.bytes, std::memory_order_relaxed);
    backend->bytes_out.fetch_add(down_.bytes, std::memory_order_relaxed);
  }
}

void Connection::close()
{
  if (closed) return;
  account();
  worker_.close(*this);
}

} // namespace dstack::proxy
