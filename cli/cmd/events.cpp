#include "cli/cmd/add.hpp"
#include "cli/control.hpp"
#include "cli/vms.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string vm;
  bool follow = false;
};

constexpr std::size_t max_events = std::size_t{64} << 20U;

/// Prints complete lines, keeps the rest for the next piece.
class Printer {
public:
  explicit Printer(Context& ctx) : ctx_(ctx) {}

  Status feed(std::string_view piece)
  {
    pending_ += piece;
    for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      print(std::string_view{pending_}.substr(0, end));
      pending_.erase(0, end + 1);
    }
    if (pending_.size() > max_events) return fail(Errc::malformed, "an event without an end");
    return ok();
  }

private:
  void print(std::string_view line)
  {
    const auto event = codec::parse_json(line);
    if (!event) return ctx_.ui().detail(fmt::format("an unreadable event: {}", printable(line)));
    if (ctx_.ui().json()) {
      codec::Json out = codec::Json::object().set("schema", "dstack.event/1");
      if (event->is_object())
        for (const auto& [key, value] : event->members())
          out.set(key, value);
      return ctx_.ui().json_line(out);
    }
    const auto text = [&](const char* key) {
      const auto value = event->get_string(key, "");
      return value ? printable(*value) : std::string{};
    };
    ctx_.ui().line(trim(fmt::format("{}  {:<18} {}", text("at"), text("event"), text("payload"))));
  }

  Context& ctx_;
  std::string pending_;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(pick_vm(ctx, o.vm));
  Printer printer{ctx};
  if (store::is_alive(vm) && o.follow) {
    const auto sink = [&](std::string_view piece) -> Status {
      TRY(printer.feed(piece));
      if (ctx.ui().broken()) return fail(Errc::io, "stdout is closed");
      return ok();
    };
    const Status streamed = Control{vm.paths()}.stream("/v1/events?follow=1", sink);
    if (!streamed && !ctx.ui().broken()) return streamed.error();
    return Exit::ok;
  }
  const auto text = sys::read_text(vm.paths().events(), max_events);
  if (!text && text.error().code() != Errc::not_found) return text.error();
  if (text) TRY(printer.feed(*text));
  if (o.follow) ctx.ui().note(fmt::format("{} is not running: no more events", shown_name(vm)));
  return Exit::ok;
}

} // namespace

void add_events(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("events", "Show what happened to a VM");
  leaf.argument("VM", o->vm, "Name or id; may be left out when there is only one")
      .completes(vm_names);
  leaf.flag("-f,--follow", o->follow, "Go on with what happens now");
  leaf.describe("Boot stages, errors, the app becoming ready, shutdowns. With --json each event is "
                "one JSON document on a line with the fields schema, at, event and payload.")
      .json("dstack.event/1")
      .example("dstack events hello", "The past")
      .example("dstack events -f --json hello", "Past and future, for programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
