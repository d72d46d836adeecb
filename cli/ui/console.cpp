#include "cli/ui/console.hpp"

#include "base/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t min_width = 40;
constexpr std::size_t max_width = 400;

std::string_view code_of(Tone tone)
{
  switch (tone) {
  case Tone::plain:
    return "";
  case Tone::good:
    return "\x1b[32m";
  case Tone::warn:
    return "\x1b[33m";
  case Tone::bad:
    return "\x1b[31m";
  case Tone::dim:
    return "\x1b[2m";
  case Tone::bold:
    return "\x1b[1m";
  }
  return "";
}

std::string paint(bool colour, Tone tone, std::string_view text)
{
  if (!colour || tone == Tone::plain) return std::string{text};
  return fmt::format("{}{}\x1b[0m", code_of(tone), text);
}

std::size_t terminal_width(const std::function<std::string(const char*)>& environment)
{
  if (const auto columns = parse_u64(environment("COLUMNS")))
    if (*columns >= min_width && *columns <= max_width) return *columns;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= min_width) return size.ws_col;
  return 80;
}

} // namespace

ConsoleStyle console_style(std::string_view color,
                           const std::function<std::string(const char*)>& environment)
{
  ConsoleStyle style;
  const bool dumb = environment("TERM") == "dumb" || environment("TERM").empty();
  const bool plain =
      color == "never" || (color == "auto" && (dumb || !environment("NO_COLOR").empty()));
  const bool out_terminal = isatty(STDOUT_FILENO) == 1;
  const bool err_terminal = isatty(STDERR_FILENO) == 1;
  style.out_colour = !plain && (out_terminal || color == "always");
  style.err_colour = !plain && (err_terminal || color == "always");
  style.err_live = err_terminal && !dumb;
  style.width = terminal_width(environment);
  return style;
}

void Console::put(std::FILE* to, std::string_view text)
{
  clear_live();
  const bool written =
      std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
  if (!written && to == out_) broken_ = true;
}

void Console::line(std::string_view text)
{
  if (!style_.json) put(out_, fmt::format("{}\n", text));
}

void Console::raw(std::string_view text)
{
  put(out_, text);
}

void Console::document(const codec::Json& value)
{
  put(out_, codec::write_json(value, {.indent = 2}) + "\n");
}

void Console::json_line(const codec::Json& value)
{
  put(out_, codec::write_json(value) + "\n");
}

void Console::note(std::string_view text)
{
  if (!style_.quiet) put(err_, fmt::format("{}\n", text));
}

void Console::detail(std::string_view text)
{
  if (style_.verbose) put(err_, paint_err(Tone::dim, text) + "\n");
}

void Console::warn(std::string_view text)
{
  put(err_, fmt::format("dstack: {} {}\n", paint_err(Tone::warn, "warning:"), text));
}

void Console::error(const Error& error)
{
  if (style_.json) {
    codec::Json inner = codec::Json::object();
    inner.set("code", name_of(error.code())).set("message", error.message());
    put(err_, codec::write_json(codec::Json::object().set("error", inner)) + "\n");
    return;
  }
  const auto lines = split(error.message(), '\n');
  std::string text = fmt::format("dstack: {} {}\n", paint_err(Tone::bad, "error:"), lines.front());
  for (std::size_t i = 1; i < lines.size(); ++i)
    text += fmt::format("  {}\n", lines[i]);
  put(err_, text);
}

void Console::raw_error(std::string_view text)
{
  put(err_, text);
}

std::string Console::paint_out(Tone tone, std::string_view text) const
{
  return paint(style_.out_colour, tone, text);
}

std::string Console::paint_err(Tone tone, std::string_view text) const
{
  return paint(style_.err_colour, tone, text);
}

void Console::live(std::string_view text)
{
  if (!style_.err_live || style_.quiet) return;
  const std::string_view shown = text.substr(0, style_.width - 1);
  std::fprintf(err_, "\r\x1b[K%.*s", static_cast<int>(shown.size()), shown.data());
  std::fflush(err_);
  live_shown_ = true;
}

void Console::clear_live()
{
  if (!live_shown_) return;
  live_shown_ = false;
  std::fputs("\r\x1b[K", err_);
  std::fflush(err_);
}

} // namespace dstack::cli
