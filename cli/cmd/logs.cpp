#include "cli/cmd/add.hpp"
#include "cli/control.hpp"
#include "cli/vms.hpp"

#include <limits>
#include <poll.h>
#include <unistd.h>

namespace dstack::cli {

namespace {

struct Options {
  std::string vm;
  std::string service;
  bool follow = false;
  bool timestamps = false;
  bool console = false;
  std::string tail = "all";
  std::string since;
};

constexpr std::size_t max_console = std::size_t{128} << 20U;
constexpr int console_look_ms = 200;

/// "10m" -> that long ago; a number of ten digits or more -> seconds since 1970.
Result<std::uint64_t> since_seconds(const std::string& text, Time now)
{
  constexpr std::size_t epoch_digits = 10;
  const auto number = parse_u64(text);
  if (number && text.size() >= epoch_digits) return *number;
  const std::uint64_t back_ms = TRY(as_usage(parse_duration_ms(text).within("--since")));
  const auto now_ms = static_cast<std::uint64_t>(now.ms);
  return back_ms > now_ms ? 0 : (now_ms - back_ms) / 1000;
}

Result<std::string> target_of(const Options& o, Time now)
{
  std::string target =
      fmt::format("/v1/logs?container={}&follow={}&timestamps={}&tail={}",
                  http::percent_encode(o.service), o.follow ? 1 : 0, o.timestamps ? 1 : 0, o.tail);
  if (!o.since.empty()) target += fmt::format("&since={}", TRY(since_seconds(o.since, now)));
  return target;
}

std::string_view last_lines(std::string_view text, std::uint64_t count)
{
  if (count == 0) return {};
  std::size_t at = text.size();
  if (at > 0 && text.back() == '\n') --at;
  while (at > 0) {
    at = text.rfind('\n', at - 1);
    if (at == std::string_view::npos) return text;
    if (--count == 0) return text.substr(at + 1);
  }
  return text;
}

/// Keeps line ends, disarms everything else a terminal would obey.
std::string safe(std::string_view text)
{
  std::string out;
  bool first = true;
  for (std::string_view line : split(text, '\n')) {
    if (!first) out += '\n';
    first = false;
    while (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    out += isatty(STDOUT_FILENO) == 1 ? printable(line) : std::string{line};
  }
  return out;
}

Status follow_console(const store::VmRecord& vm, int fd, Context& ctx)
{
  while (true) {
    const Bytes piece = TRY(sys::read_some(fd, std::size_t{64} << 10U));
    if (!piece.empty()) {
      ctx.ui().raw(safe(as_text(piece)));
      if (ctx.ui().broken()) return ok();
      continue;
    }
    if (!sys::FileLock::is_held(vm.paths().supervisor_lock())) return ok();
    ::poll(nullptr, 0, console_look_ms);
  }
}

Result<Exit> print_console(const Options& o, const store::VmRecord& vm, Context& ctx)
{
  const std::uint64_t lines = o.tail == "all" ? std::numeric_limits<std::uint64_t>::max()
                                              : TRY(as_usage(parse_u64(o.tail).within("--tail")));
  const auto fd = sys::open_read(vm.paths().console_log());
  if (!fd) {
    if (fd.error().code() != Errc::not_found) return fd.error();
    ctx.ui().note(fmt::format("{} has not written to its console yet", shown_name(vm)));
    return Exit::ok;
  }
  const Bytes text = TRY(sys::read_to_end(fd->get(), max_console).within("console log"));
  ctx.ui().raw(safe(last_lines(as_text(text), lines)));
  if (o.follow) TRY(follow_console(vm, fd->get(), ctx));
  return Exit::ok;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const store::VmRecord vm = TRY(pick_vm(ctx, o.vm));
  if (o.tail != "all") TRY(as_usage(parse_u64(o.tail).within("--tail")));
  if (o.console) return print_console(o, vm, ctx);
  if (!store::is_alive(vm))
    return fail(Errc::not_found,
                "{} is not running; the logs of its containers are on its own disk\n"
                "'dstack start {}' starts it, 'dstack logs --console {}' shows its last boot",
                shown_name(vm), shown_name(vm), shown_name(vm));
  const std::string target = TRY(target_of(o, ctx.now()));
  const Status streamed = Control{vm.paths()}.stream(target, [&](std::string_view piece) {
    ctx.ui().raw(piece);
    return ctx.ui().broken() ? Status{fail(Errc::io, "stdout is closed")} : Status{ok()};
  });
  if (!streamed && !ctx.ui().broken()) return streamed.error();
  return Exit::ok;
}

} // namespace

void add_logs(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("logs", "Show what the containers of a VM print");
  leaf.argument("VM", o->vm, "Name or id; may be left out when there is only one")
      .completes(vm_names);
  leaf.argument("SERVICE", o->service, "A service of the compose file; all when left out");
  leaf.flag("-f,--follow", o->follow, "Go on with what is printed from now on");
  leaf.option("-n,--tail", o->tail, "N", "Only the last N lines").fallback("all");
  leaf.option("--since", o->since, "TIME", "Only newer lines: 10m, or seconds since 1970");
  leaf.flag("-t,--timestamps", o->timestamps, "Each line with its time");
  leaf.flag("--console", o->console, "The serial console of the VM instead: kernel and boot");
  leaf.describe("The lines come from inside the VM, through its guest agent. With several services "
                "each line starts with the name of its service.")
      .example("dstack logs hello", "Everything so far")
      .example("dstack logs -f --tail 20 shop store", "Follow one service")
      .example("dstack logs --console hello", "Why did it not boot?")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
