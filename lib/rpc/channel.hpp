#pragma once
/// The guest channel: JSON lines over one byte stream, the same rules in both directions. No
/// sockets here: bytes in, events out, bytes to send collected in output().
///   request {"id":N,"method":"M","params":{}}      piece  {"id":N,"piece":"<base64>"}
///   answer  {"id":N,"result":…} or {"id":N,"error":{"code":"io","message":"…"}}    {"cancel":N}

#include "codec/json.hpp"

#include <optional>
#include <set>
#include <variant>

namespace dstack::rpc {

struct ChannelLimits {
  std::size_t max_line_bytes = std::size_t{1} << 20U;
  std::size_t max_calls = 256;  ///< ours waiting for an answer
  std::size_t max_served = 256; ///< the peer's not yet answered
};

/// The peer asks; answer it with answer(id, …), after any number of piece(id, …).
struct RequestEvent {
  std::uint64_t id = 0;
  std::string method{};
  codec::Json params{};
};
/// The end of a call of ours.
struct AnswerEvent {
  std::uint64_t id = 0;
  Result<codec::Json> result;
};
/// Part of a streaming answer to a call of ours.
struct PieceEvent {
  std::uint64_t id = 0;
  Bytes data{};
};
/// The peer no longer wants the answer; answer() and piece() for it are now ignored.
struct CancelEvent {
  std::uint64_t id = 0;
};
/// A line that follows no rule was dropped (a peer that rebooted in the middle of a line leaves
/// one such line behind); the stream goes on at the next line.
struct GarbageEvent {
  std::string reason{};
};
using ChannelEvent = std::variant<RequestEvent, AnswerEvent, PieceEvent, CancelEvent, GarbageEvent>;

class Channel {
public:
  /// first_id: where the numbering of our calls starts. The guest passes a random number so that
  /// answers meant for its previous boot match nothing.
  explicit Channel(std::uint64_t first_id, const ChannelLimits& limits = {});

  /// What the received bytes mean, in order. Answers to unknown ids are dropped silently.
  std::vector<ChannelEvent> feed(ByteView data);

  /// Queues a request; the id comes back in its PieceEvents and its one AnswerEvent.
  Result<std::uint64_t> call(std::string_view method, codec::Json params);
  /// Gives up a call: no event for it will follow.
  void cancel(std::uint64_t id);

  /// Queues the answer to a request of the peer; false when it was cancelled or is unknown. An
  /// answer that does not fit a line becomes an error.
  bool answer(std::uint64_t id, const Result<codec::Json>& result);
  /// Queues a part of a streaming answer (split over several lines when large); false as above.
  bool piece(std::uint64_t id, ByteView data);

  /// Bytes to send: a view that lives until the next call of a member, and how many were sent.
  std::string_view output() const { return std::string_view{output_}.substr(sent_); }
  void consume_output(std::size_t count);

  /// The peer started over (second Hello): none of our calls will be answered.
  void forget_calls() { calls_.clear(); }

private:
  void take_line(std::string_view line, std::vector<ChannelEvent>& events);
  Result<std::optional<ChannelEvent>> read_message(std::string_view line);
  Result<std::optional<ChannelEvent>> read_request(std::uint64_t id, const codec::Json& message);
  Result<std::optional<ChannelEvent>> read_answer(std::uint64_t id, const codec::Json& message);
  void queue(std::string line);

  ChannelLimits limits_;
  std::string line_;
  bool skipping_ = false; ///< inside a line that was too long
  std::string output_;
  std::size_t sent_ = 0;
  std::uint64_t next_id_;
  std::set<std::uint64_t> calls_;
  std::set<std::uint64_t> served_;
};

/// The code with that name (see name_of), Errc::internal for names we do not know.
Errc code_from_name(std::string_view name);

} // namespace dstack::rpc
