#pragma once
/// A container's log as dockerd streams it, and the forms in which /logs hands it on. Bytes in,
/// bytes out; however they are cut, the result is the same.

#include "guestapi/log_query.hpp"
#include "guestapi/log_text.hpp"

#include <array>
#include <functional>

namespace dstack::guestapi {

enum class LogChannel { in, out, err, console };
std::string_view name_of(LogChannel channel); ///< "stdin", "stdout", "stderr", "console"

/// Takes dockerd's stream apart. Either it is multiplexed (each frame is a kind byte, three zeros,
/// a big-endian length, then that many bytes), or the container has a terminal and the stream is
/// what it wrote; then a message is a line on the channel console. The first bytes decide. Messages
/// are passed on as they arrive, never collected.
class LogDemuxer {
public:
  enum class Part { more, last }; ///< last: the message ends here
  using Sink = std::function<void(LogChannel, std::string_view, Part)>;

  /// Fails at a wrong header between frames.
  Status feed(std::string_view data, const Sink& sink);
  /// The end of the stream; fails inside a frame.
  Status finish(const Sink& sink);

private:
  enum class Kind { unknown, framed, raw };
  Status take_header(std::string_view& data, const Sink& sink);
  void take_payload(std::string_view& data, const Sink& sink);
  static void take_lines(std::string_view data, const Sink& sink);

  Kind kind_ = Kind::unknown;
  std::string header_;
  LogChannel channel_ = LogChannel::out;
  std::uint32_t left_ = 0;
};

/// Above this a message is written as several.
inline constexpr std::size_t max_log_message = std::size_t{48} * 1024;

class LogFormatter {
public:
  explicit LogFormatter(LogForm form) : form_(form) {}

  /// What to hand on for these bytes of dockerd.
  std::string feed(std::string_view data);
  /// The rest, at the end of the stream.
  std::string finish();
  /// True once the stream made no sense; nothing more comes out.
  bool broken() const { return broken_; }

private:
  std::string spoiled(const Error& why);
  void take(LogChannel channel, std::string_view text, LogDemuxer::Part part, std::string& out);
  void write(LogChannel channel, std::string_view message, std::string& out);

  LogForm form_;
  LogDemuxer demuxer_;
  std::string message_;
  std::array<AnsiStripper, 4> strippers_; ///< one a channel
  bool broken_ = false;
};

/// How an error shows in the stream: {"error":"…"} and a line feed.
std::string log_error(std::string_view why);

} // namespace dstack::guestapi
