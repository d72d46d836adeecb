#include "agents/vm/events.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"

namespace dstack::supervisor {

namespace {

constexpr std::size_t max_history = std::size_t{16} << 20U;

http::Response json_lines()
{
  return {200, {{"Content-Type", "application/jsonl"}}, ""};
}

} // namespace

Result<Events> Events::open(const std::filesystem::path& path)
{
  sys::Fd file = TRY(sys::open_append(path, sys::Privacy::owner_only));
  return Events{path, std::move(file)};
}

void Events::add(std::string_view event, std::string_view payload)
{
  codec::Json json;
  json.set("at", format_utc(sys::now())).set("event", printable(event));
  const std::string line = codec::write_json(json.set("payload", printable(payload))) + "\n";
  // A full disk must not end the VM; followers still hear of it.
  static_cast<void>(sys::write_all(fd_.get(), as_bytes(line)));
  std::erase_if(followers_, [&](const net::Responder& to) { return !to.stream_piece(line); });
}

void Events::follow(const net::Responder& follower)
{
  follower.stream_start(json_lines());
  const auto past = history();
  if (past && !past->empty() && !follower.stream_piece(*past)) return;
  followers_.push_back(follower);
}

Result<std::string> Events::history() const
{
  return sys::read_text(path_, max_history);
}

void Events::end()
{
  for (const net::Responder& follower : std::exchange(followers_, {}))
    follower.stream_finish();
}

} // namespace dstack::supervisor
