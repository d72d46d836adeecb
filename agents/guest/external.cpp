#include "guest/external.hpp"

#include "guest/docker_wire.hpp"
#include "guest/log_stream.hpp"
#include "guest/system_info.hpp"
#include "guestapi/log_frames.hpp"

namespace dstack::guest {

namespace {

constexpr std::size_t max_streams = 32; ///< half of the port's connections stay free of them
/// Unsent bytes at which reading from dockerd stops.
constexpr std::size_t most_unsent = std::size_t{256} * 1024;
constexpr const char* no_engine = "the container engine does not answer";

using OnList = std::function<void(Result<std::vector<Container>>)>;

/// One listing that ends in time, whatever dockerd does.
struct Listing {
  Listing(sys::Loop& on, OnList then) : loop(on), done(std::move(then)) {}

  void finish(Result<std::vector<Container>> result)
  {
    loop.cancel(timer);
    if (exchange) exchange->cancel();
    if (const OnList then = std::exchange(done, nullptr)) then(std::move(result));
  }

  sys::Loop& loop;
  OnList done;
  sys::Loop::TimerId timer = 0;
  std::shared_ptr<EngineExchange> exchange;
};

/// What the answers need of the VM.
struct Machine {
  sys::Loop& loop;
  Engine& engine;
  ExternalTimes times;
};

/// What goes wrong is told without dockerd's words: the reader may be anybody.
void list(const Machine& machine, OnList done)
{
  const auto listing = std::make_shared<Listing>(machine.loop, std::move(done));
  const auto unanswered = [listing] { listing->finish(fail(Errc::io, "{}", no_engine)); };
  const auto listed = [listing, unanswered](const Result<http::Response>& response) {
    if (!response || response->status != 200) return unanswered();
    auto all = parse_containers(response->body);
    if (!all) return unanswered();
    listing->finish(std::move(all));
  };
  auto started = machine.engine.start(engine_request("GET", "/containers/json?all=1"), std::nullopt,
                                      nullptr, listed);
  if (!started) return unanswered();
  listing->exchange = *std::move(started);
  listing->timer = machine.loop.after(machine.times.list, unanswered);
}

/// One log on its way to a browser. Lives in the callbacks of dockerd's answer.
class LogAnswer : public std::enable_shared_from_this<LogAnswer> {
public:
  LogAnswer(const Machine& machine, guestapi::LogQuery query, net::Responder to)
      : machine_(machine), query_(std::move(query)), to_(std::move(to)), formatter_(query_.form)
  {
  }
  ~LogAnswer() { machine_.loop.cancel(idle_); }
  LogAnswer(const LogAnswer&) = delete;
  LogAnswer& operator=(const LogAnswer&) = delete;

  void begin(const std::string& container)
  {
    const auto self = shared_from_this();
    const std::weak_ptr<LogAnswer> weak = self;
    to_.on_gone([weak] {
      if (const auto one = weak.lock()) one->stop();
    });
    list(machine_, [self, container](const Result<std::vector<Container>>& all) {
      if (!all) return self->refuse(all.error().message());
      const auto found = find_container(*all, container);
      if (!found) return self->refuse("no such container");
      self->follow(found->id);
    });
  }

private:
  void follow(const std::string& id)
  {
    if (gone_) return;
    const auto self = shared_from_this();
    auto started = machine_.engine.start(
        engine_request("GET", log_target(query_, id)), std::nullopt,
        [self](std::string_view data) { self->take(data); },
        [self](const Result<http::Response>& result) { self->ended(result); });
    if (!started) return refuse(no_engine);
    exchange_ = *std::move(started);
    await_more();
  }

  /// A log that says nothing for long is not worth a connection.
  void await_more()
  {
    machine_.loop.cancel(idle_);
    const std::weak_ptr<LogAnswer> weak = weak_from_this();
    idle_ = machine_.loop.after(machine_.times.silence, [weak] {
      const auto self = weak.lock();
      if (!self) return;
      self->stop();
      self->to_.stream_finish();
    });
  }

  void take(std::string_view data)
  {
    await_more();
    const std::string piece = formatter_.feed(data);
    if (!piece.empty() && !to_.stream_piece(piece)) return stop();
    if (formatter_.broken()) {
      stop();
      return to_.stream_finish();
    }
    if (to_.unsent() > most_unsent) hold_back();
  }

  void hold_back()
  {
    exchange_->pause();
    const std::weak_ptr<LogAnswer> weak = weak_from_this();
    const std::weak_ptr<EngineExchange> held = exchange_;
    to_.when_drained([weak, held] {
      const auto self = weak.lock();
      const auto exchange = held.lock();
      if (self && exchange && !self->gone_) exchange->resume();
    });
  }

  void ended(const Result<http::Response>& result)
  {
    if (!result || result->status != 200) return refuse(no_engine);
    to_.stream_piece(formatter_.finish());
    stop();
    to_.stream_finish();
  }

  void refuse(std::string_view why)
  {
    to_.stream_piece(guestapi::log_error(why));
    stop();
    to_.stream_finish();
  }

  void stop()
  {
    gone_ = true;
    machine_.loop.cancel(idle_);
    if (const auto exchange = std::exchange(exchange_, nullptr)) exchange->cancel();
  }

  Machine machine_;
  guestapi::LogQuery query_;
  net::Responder to_;
  guestapi::LogFormatter formatter_;
  std::shared_ptr<EngineExchange> exchange_;
  sys::Loop::TimerId idle_ = 0;
  bool gone_ = false;
};

std::vector<guestapi::PageContainer> for_page(const std::vector<Container>& all)
{
  std::vector<guestapi::PageContainer> out;
  for (const Container& one : all)
    out.push_back({one.names.empty() ? one.id : one.names.front(), one.status});
  return out;
}

/// The log answers under way; those that ended have expired.
using Streams = std::vector<std::weak_ptr<LogAnswer>>;

void serve_log(const Machine& machine,
               Streams& streams,
               const std::string& container,
               const guestapi::LogQuery& query,
               const net::Responder& to)
{
  std::erase_if(streams, [](const auto& one) { return one.expired(); });
  if (streams.size() >= max_streams) {
    to.stream_piece(guestapi::log_error("too many logs are being read"));
    return to.stream_finish();
  }
  const auto answer = std::make_shared<LogAnswer>(machine, query, to);
  streams.push_back(answer);
  answer->begin(container);
}

} // namespace

void bind_machine(guestsite::ExternalSite& site,
                  sys::Loop& loop,
                  Engine& engine,
                  const ExternalTimes& times)
{
  const Machine machine{loop, engine, times};
  site.system = []() -> Result<guestapi::SystemInfo> { return system_facts(); };
  site.containers = [machine](const std::function<void(guestsite::Containers)>& done) {
    list(machine, [done](const Result<std::vector<Container>>& all) {
      if (!all) return done(all.error());
      done(for_page(*all));
    });
  };
  site.logs = [machine, streams = std::make_shared<Streams>()](
                  const std::string& container, const guestapi::LogQuery& query,
                  const net::Responder& to) { serve_log(machine, *streams, container, query, to); };
}

} // namespace dstack::guest
