#pragma once
/// The guest channel: JSON lines over one byte stream, the same rules in both directions. No
/// sockets here: received bytes come in through feed(), bytes to send go out through a hook.
///   request {"id":N,"method":"M","params":{}}      piece  {"id":N,"piece":"<base64>"}
///   answer  {"id":N,"result":…} or {"id":N,"error":{"code":"io","message":"…"}}    {"cancel":N}

#include "codec/json.hpp"

#include <functional>
#include <map>
#include <set>

namespace dstack::rpc {

inline constexpr std::size_t max_channel_line = std::size_t{1} << 20U;
/// Requests of the peer that may be unanswered at a time; more are answered with an error.
inline constexpr std::size_t max_channel_requests = 256;

class Channel {
public:
  /// A request of the peer: answer it with answer(id, …), after any number of piece(id, …).
  struct Incoming {
    std::uint64_t id = 0;
    std::string method{};
    codec::Json params{};
  };
  using Answer = std::function<void(const Result<codec::Json>&)>;
  using Piece = std::function<void(Bytes)>;
  struct Hooks {
    std::function<void(std::string)> send; ///< whole lines
    std::function<void(Incoming)> request;
    std::function<void(std::uint64_t)> cancelled; ///< may be empty
  };

  /// first_id: where the numbering of our requests starts. The guest passes a random number, so
  /// that an answer meant for its previous boot matches nothing.
  explicit Channel(Hooks hooks, std::uint64_t first_id = 1)
      : hooks_(std::move(hooks)), next_id_(first_id)
  {
  }

  /// Handles every complete line. A line that follows no rule is dropped and the stream goes on
  /// behind it (a peer that reboots in the middle of a line leaves one behind); the first such
  /// problem is the result. Answers to requests we do not wait for are ignored.
  Status feed(ByteView data);

  /// Sends a request; answer is called once, unless the request is cancelled.
  std::uint64_t
  ask(std::string_view method, codec::Json params, Answer answer, Piece piece = nullptr);
  /// Gives up a request: neither answer nor piece is called for it any more.
  void cancel(std::uint64_t id);

  /// Answers a request; false when it was cancelled or never made. An answer longer than a line
  /// becomes an error.
  bool answer(std::uint64_t id, const Result<codec::Json>& result);
  /// Part of a streaming answer (split over several lines when large); false as above.
  bool piece(std::uint64_t id, ByteView data);

  /// The peer started anew: forgets its requests, fails ours.
  void reset();

private:
  struct Open {
    Answer answer;
    Piece piece;
  };
  Status line(std::string_view text);
  Status requested(std::uint64_t id, const codec::Json& message);
  Status answered(std::uint64_t id, const codec::Json& message);
  void cancelled(std::uint64_t id);
  void send(const codec::Json& message);

  Hooks hooks_;
  std::string buffer_;
  bool skipping_ = false; ///< inside a line that was too long
  std::uint64_t next_id_;
  std::map<std::uint64_t, Open> open_; ///< ours, unanswered
  std::set<std::uint64_t> served_;     ///< the peer's, unanswered
};

/// The code with that name (see name_of), Errc::internal for names we do not know.
Errc code_from_name(std::string_view name);

} // namespace dstack::rpc
