#include "guest/log_stream.hpp"

#include "base/text.hpp"
#include "guest/app.hpp"
#include "guestapi/log_frames.hpp"

#include <limits>

namespace dstack::guest {

namespace {

/// Unsent bytes at which reading from dockerd stops.
constexpr std::size_t most_backlog = std::size_t{512} * 1024;

/// All log streams of one request; lives in their callbacks.
struct Job : std::enable_shared_from_this<Job> {
  struct Source {
    guestapi::LogDemuxer demuxer;
    std::optional<LinePrefixer> prefixer;
    std::shared_ptr<EngineExchange> exchange;
  };

  explicit Job(HostReply answer) : reply(answer) {}

  void add(Engine& engine, const LogRequest& request, const Container& container, bool several);
  guestapi::LogDemuxer::Sink sink_of(Source& source);
  void take(Source& source, std::string_view data);
  void pass(Source& source, std::string_view text);
  void ended(const Result<http::Response>& result);
  void stop();
  void hold_back();

  HostReply reply;
  std::vector<std::shared_ptr<Source>> sources;
  std::size_t open = 0;
  bool held = false;
  std::optional<Error> problem;
};

void Job::pass(Source& source, std::string_view text)
{
  const bool wanted =
      source.prefixer ? reply.piece(source.prefixer->feed(text)) : reply.piece(text);
  if (!wanted) return stop();
  if (reply.link().backlog() > most_backlog) hold_back();
}

void Job::hold_back()
{
  if (held) return;
  held = true;
  for (const auto& source : sources)
    source->exchange->pause();
  reply.link().when_drained([self = shared_from_this()] {
    self->held = false;
    for (const auto& source : self->sources)
      source->exchange->resume();
  });
}

void Job::take(Source& source, std::string_view data)
{
  Status taken = source.demuxer.feed(data, sink_of(source));
  if (taken || open == 0) return;
  source.exchange->cancel();
  ended(std::move(taken).error());
}

guestapi::LogDemuxer::Sink Job::sink_of(Source& source)
{
  return [this, &source](guestapi::LogChannel, std::string_view text, guestapi::LogDemuxer::Part) {
    pass(source, text);
  };
}

void Job::ended(const Result<http::Response>& result)
{
  if (!result)
    problem = result.error();
  else if (result->status != 200)
    problem = fail(Errc::io, "dockerd: {}", error_message(result->body));
  if (--open > 0) return;
  if (problem)
    reply.finish(*problem);
  else
    reply.finish(codec::Json::object());
}

void Job::stop()
{
  for (const auto& source : sources)
    if (source->exchange) source->exchange->cancel();
  open = 0;
}

void Job::add(Engine& engine, const LogRequest& request, const Container& container, bool several)
{
  const auto source = std::make_shared<Source>();
  const std::string& name = container.service.empty() ? container.id : container.service;
  if (several) source->prefixer.emplace(printable(name) + " | ");
  const auto self = shared_from_this();
  ++open;
  auto started = engine.start(
      engine_request("GET", log_target(request.query, container.id)), std::nullopt,
      [self, source](std::string_view data) { self->take(*source, data); },
      [self, source](const Result<http::Response>& result) {
        static_cast<void>(source->demuxer.finish(self->sink_of(*source)));
        self->ended(result);
      });
  if (!started) return ended(std::move(started).error());
  source->exchange = std::move(*started);
  sources.push_back(source);
}

void begin(Engine& engine,
           const LogRequest& request,
           const std::vector<Container>& all,
           const HostReply& reply)
{
  std::vector<Container> chosen = all;
  if (!request.container.empty()) {
    auto found = find_container(all, request.container);
    if (!found) return reply.finish(std::move(found).error());
    chosen = {std::move(*found)};
  }
  if (chosen.empty()) return reply.finish(fail(Errc::not_found, "the app has no container yet"));
  const auto job = std::make_shared<Job>(reply);
  reply.on_cancel([job] { job->stop(); });
  for (const Container& container : chosen)
    job->add(engine, request, container, chosen.size() > 1);
}

/// A number, or a text with one; nothing for "", "all" and what is not there.
Result<std::optional<std::int64_t>> number(const codec::Json& params, std::string_view key)
{
  const codec::Json* value = params.find(key);
  if (value == nullptr || value->is_null()) return std::optional<std::int64_t>{};
  const std::string text =
      value->is_integer() ? std::to_string(TRY(value->as_u64())) : TRY(value->as_string());
  if (text.empty() || text == "all") return std::optional<std::int64_t>{};
  const std::uint64_t given = TRY(parse_u64(text).within("{}", key));
  if (given > std::numeric_limits<std::int64_t>::max())
    return fail(Errc::malformed, "{}: {} is too large", key, given);
  return std::optional{static_cast<std::int64_t>(given)};
}

} // namespace

Result<LogRequest> parse_log_request(const codec::Json& params)
{
  LogRequest out;
  out.container = TRY(params.get_string("container", ""));
  out.query.follow = TRY(params.get_bool("follow", false));
  out.query.timestamps = TRY(params.get_bool("timestamps", false));
  out.query.tail = "all";
  if (const auto lines = TRY(number(params, "tail"))) out.query.tail = std::to_string(*lines);
  if (const auto since = TRY(number(params, "since"))) out.query.since = *since;
  return out;
}

std::string log_target(const guestapi::LogQuery& query, std::string_view container_id)
{
  std::string out =
      fmt::format("/containers/{}/logs?stdout=1&stderr=1&follow={}&timestamps={}&tail={}",
                  http::percent_encode(container_id), query.follow ? 1 : 0,
                  query.timestamps ? 1 : 0, query.tail);
  if (query.since != 0) out += fmt::format("&since={}", query.since);
  if (query.until != 0) out += fmt::format("&until={}", query.until);
  return out;
}

std::string LinePrefixer::feed(std::string_view text)
{
  std::string out;
  while (!text.empty()) {
    if (at_start_) out += prefix_;
    const std::size_t line = text.find('\n');
    const std::string_view part = text.substr(0, line == std::string_view::npos ? line : line + 1);
    out += part;
    at_start_ = part.back() == '\n';
    text.remove_prefix(part.size());
  }
  return out;
}

void stream_logs(Engine& engine,
                 const LogRequest& request,
                 std::string_view project,
                 const HostReply& reply)
{
  const auto listed = [&engine, request, reply](const Result<http::Response>& response) {
    if (!response) return reply.finish(response.error());
    if (response->status != 200)
      return reply.finish(fail(Errc::io, "dockerd: {}", error_message(response->body)));
    const auto all = parse_containers(response->body);
    if (!all) return reply.finish(all.error());
    begin(engine, request, *all, reply);
  };
  const auto started = engine.start(engine_request("GET", containers_target(project)), std::nullopt,
                                    nullptr, listed);
  if (!started) reply.finish(started.error());
}

} // namespace dstack::guest
