#include "guest/app.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "guestapi/log_frames.hpp"
#include "sys/sockets.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

constexpr std::chrono::milliseconds watch_again{250};
constexpr std::chrono::milliseconds connect_deadline{300};

/// An exit nobody will follow up: docker is not going to restart the container.
bool has_failed(const Container& container)
{
  const auto code = container.exit_code();
  return container.state == "dead" || (container.state == "exited" && code && *code != 0);
}

std::string name_of(const Container& container)
{
  if (!container.service.empty()) return container.service;
  return container.names.empty() ? container.id : container.names.front();
}

/// Both streams of a finished log, in order; frames that do not parse are passed over.
std::string plain_log(std::string_view framed)
{
  std::string out;
  guestapi::LogDemuxer demuxer;
  const auto collect = [&](guestapi::LogChannel, std::string_view text,
                           guestapi::LogDemuxer::Part) { out += text; };
  if (!demuxer.feed(framed, collect)) return std::string{framed};
  static_cast<void>(demuxer.finish(collect));
  return out;
}

} // namespace

std::optional<std::string> death_in_event(std::string_view line)
{
  const auto event = codec::parse_json(line);
  if (!event) return std::nullopt;
  const codec::Json* actor = event->find("Actor");
  const codec::Json* attributes = actor == nullptr ? nullptr : actor->find("Attributes");
  if (attributes == nullptr) return std::nullopt;
  const auto code = attributes->get_string("exitCode", "");
  if (!code || code->empty() || *code == "0") return std::nullopt;
  const auto service = attributes->get_string("com.docker.compose.service", "");
  return fmt::format("service {} ended with status {}", service ? printable(*service) : "?",
                     printable(*code));
}

AppWatch::AppWatch(
    sys::Loop& loop, Engine& engine, std::string project, std::string address, Events events)
    : loop_(loop), engine_(engine), project_(std::move(project)), address_(std::move(address)),
      events_(std::move(events))
{
}

AppWatch::~AppWatch()
{
  if (timer_) loop_.cancel(*timer_);
  if (exchange_) exchange_->cancel();
}

void AppWatch::start()
{
  look();
}

void AppWatch::again()
{
  timer_ = loop_.after(watch_again, [this] { look(); });
}

void AppWatch::look()
{
  timer_.reset();
  const auto done = [this](Result<http::Response> response) {
    if (!response || response->status != 200) return again();
    const auto containers = parse_containers(response->body);
    if (!containers) return again();
    judge(*containers);
  };
  auto started = engine_.start(engine_request("GET", containers_target(project_)), std::nullopt,
                               nullptr, done);
  if (!started) return again();
  exchange_ = std::move(*started);
}

void AppWatch::judge(const std::vector<Container>& containers)
{
  for (const Container& container : containers)
    if (has_failed(container)) return report_failure(container);
  bool all = true;
  for (const Container& container : containers) {
    // Created or restarting: what it publishes is not known to answer yet.
    if (container.state != "running" && container.state != "exited") all = false;
    for (const PublishedPort& port : container.ports) {
      if (port.protocol != "tcp" || answered_.contains(port.host_port)) continue;
      if (sys::connect_tcp(address_, port.host_port, connect_deadline))
        answered_.insert(port.host_port);
      else
        all = false;
    }
  }
  if (!all) return again();
  events_.ready();
  follow_deaths();
}

void AppWatch::follow_deaths()
{
  const std::string filter = fmt::format(
      R"({{"type":["container"],"event":["die"],"label":["com.docker.compose.project={}"]}})",
      project_);
  auto started = engine_.start(
      engine_request("GET", "/events?filters=" + http::percent_encode(filter)), std::nullopt,
      [this](std::string_view data) { take_events(data); }, [](const Result<http::Response>&) {});
  if (started) exchange_ = std::move(*started);
}

void AppWatch::take_events(std::string_view data)
{
  constexpr std::size_t longest_line = 64 * 1024;
  for (const char c : data) {
    if (c != '\n') {
      if (event_line_.size() < longest_line) event_line_ += c;
      continue;
    }
    if (const auto death = death_in_event(event_line_)) events_.died(*death);
    event_line_.clear();
  }
}

void AppWatch::report_failure(const Container& container)
{
  const std::string what = fmt::format("service {} ended: {}", printable(name_of(container)),
                                       printable(container.status));
  const std::string target =
      fmt::format("/containers/{}/logs?stdout=1&stderr=1&tail=15", container.id);
  const auto done = [this, what](Result<http::Response> response) {
    std::string text = what;
    if (response && response->status == 200) text += ": " + last_lines(plain_log(response->body));
    events_.failed(text);
  };
  auto started = engine_.start(engine_request("GET", target), std::nullopt, nullptr, done);
  if (!started) return events_.failed(what);
  exchange_ = std::move(*started);
}

} // namespace dstack::guest
