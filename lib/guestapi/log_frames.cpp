#include "guestapi/log_frames.hpp"

#include "codec/json.hpp"

#include <algorithm>
#include <utility>

namespace dstack::guestapi {

namespace {

constexpr std::size_t header_size = 8;

/// True when these bytes can still become a frame's header.
bool fits_header(std::string_view bytes)
{
  if (!bytes.empty() && static_cast<unsigned char>(bytes[0]) > 2) return false;
  const std::string_view zeros = bytes.substr(std::min<std::size_t>(1, bytes.size()), 3);
  return zeros.find_first_not_of('\0') == std::string_view::npos;
}

LogChannel channel_of(std::uint8_t kind)
{
  if (kind == 2) return LogChannel::err;
  return kind == 1 ? LogChannel::out : LogChannel::in;
}

} // namespace

std::string_view name_of(LogChannel channel)
{
  switch (channel) {
  case LogChannel::in:
    return "stdin";
  case LogChannel::out:
    return "stdout";
  case LogChannel::err:
    return "stderr";
  case LogChannel::console:
    return "console";
  }
  bug("a log channel without a name");
}

Status LogDemuxer::feed(std::string_view data, const Sink& sink)
{
  while (!data.empty()) {
    if (kind_ == Kind::raw) {
      take_lines(data, sink);
      return ok();
    }
    if (left_ > 0)
      take_payload(data, sink);
    else
      TRY(take_header(data, sink));
  }
  return ok();
}

/// Takes bytes of a header; when those show that there is none, the stream was never framed.
Status LogDemuxer::take_header(std::string_view& data, const Sink& sink)
{
  header_ += data[0];
  data.remove_prefix(1);
  if (!fits_header(header_)) {
    if (kind_ == Kind::framed)
      return fail(Errc::malformed, "log frame header {}", hex(as_bytes(header_)));
    kind_ = Kind::raw;
    take_lines(std::exchange(header_, {}), sink);
    return ok();
  }
  if (header_.size() < header_size) return ok();
  kind_ = Kind::framed;
  ByteReader in{as_bytes(header_)};
  channel_ = channel_of(TRY(in.u8()));
  TRY(in.take(3));
  left_ = TRY(in.u32be());
  header_.clear();
  if (left_ == 0) sink(channel_, {}, Part::last);
  return ok();
}

void LogDemuxer::take_payload(std::string_view& data, const Sink& sink)
{
  const std::string_view piece = data.substr(0, left_);
  left_ -= static_cast<std::uint32_t>(piece.size());
  data.remove_prefix(piece.size());
  sink(channel_, piece, left_ == 0 ? Part::last : Part::more);
}

void LogDemuxer::take_lines(std::string_view data, const Sink& sink)
{
  while (!data.empty()) {
    const std::size_t line = data.find('\n');
    const bool whole = line != std::string_view::npos;
    const std::string_view piece = data.substr(0, whole ? line + 1 : line);
    data.remove_prefix(piece.size());
    sink(LogChannel::console, piece, whole ? Part::last : Part::more);
  }
}

Status LogDemuxer::finish(const Sink& sink)
{
  const bool undecided = kind_ == Kind::unknown && !header_.empty();
  // Too short for a header: a terminal's few bytes.
  if (undecided && header_.size() < 4) {
    kind_ = Kind::raw;
    take_lines(std::exchange(header_, {}), sink);
  }
  if (left_ == 0 && header_.empty()) return ok();
  return fail(Errc::malformed, "log stream ended inside a frame");
}

std::string LogFormatter::feed(std::string_view data)
{
  std::string out;
  if (broken_) return out;
  const Status fed =
      demuxer_.feed(data, [&](LogChannel channel, std::string_view text, LogDemuxer::Part part) {
        take(channel, text, part, out);
      });
  if (!fed) out += spoiled(fed.error());
  return out;
}

std::string LogFormatter::finish()
{
  std::string out;
  if (broken_) return out;
  const Status ended =
      demuxer_.finish([&](LogChannel channel, std::string_view text, LogDemuxer::Part part) {
        take(channel, text, part, out);
      });
  // Only a terminal's last line can be waiting here.
  if (ended && !message_.empty()) write(LogChannel::console, std::exchange(message_, {}), out);
  if (!ended) out += spoiled(ended.error());
  return out;
}

std::string LogFormatter::spoiled(const Error& why)
{
  broken_ = true;
  message_.clear();
  return log_error(why.message());
}

void LogFormatter::take(LogChannel channel,
                        std::string_view text,
                        LogDemuxer::Part part,
                        std::string& out)
{
  while (message_.size() + text.size() > max_log_message) {
    const std::string_view fits = text.substr(0, max_log_message - message_.size());
    message_ += fits;
    text.remove_prefix(fits.size());
    write(channel, std::exchange(message_, {}), out);
  }
  message_ += text;
  if (part == LogDemuxer::Part::last) write(channel, std::exchange(message_, {}), out);
}

void LogFormatter::write(LogChannel channel, std::string_view message, std::string& out)
{
  const std::string shown = form_.text ? lossy_utf8(message) : base64(as_bytes(message));
  if (form_.bare) {
    const bool strip = form_.text && !form_.ansi;
    out += strip ? strippers_[static_cast<std::size_t>(channel)].feed(shown) : shown;
    return;
  }
  codec::Json line;
  line.set("channel", name_of(channel)).set("message", shown);
  out += codec::write_json(line) + "\n";
}

std::string log_error(std::string_view why)
{
  return codec::write_json(codec::Json{}.set("error", lossy_utf8(why))) + "\n";
}

} // namespace dstack::guestapi
