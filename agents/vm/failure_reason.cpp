#include "agents/vm/failure_reason.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <vector>

namespace dstack::supervisor {

namespace {

constexpr std::string_view verity_reason =
    "the root file system does not match its measured root hash (dm-verity)";
constexpr std::size_t max_reason = 1000;

/// The line without terminal control sequences (ECMA-48: ESC [ parameters final), with which
/// firmware clears the screen.
std::string plain(std::string_view line)
{
  std::string out;
  while (!line.empty()) {
    if (!line.starts_with("\x1b[")) {
      out += line.front();
      line.remove_prefix(1);
      continue;
    }
    std::size_t end = 2;
    while (end < line.size() && (line[end] < '@' || line[end] > '~'))
      ++end;
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

std::string shown(std::string_view line)
{
  return printable(trim(plain(line.substr(0, max_reason))));
}

/// What follows the last line that contains the mark.
std::optional<std::string> after_last(std::string_view text, std::string_view mark)
{
  const auto at = text.rfind(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + mark.size());
  const std::string line = shown(rest.substr(0, rest.find('\n')));
  if (line.empty()) return std::nullopt;
  return line;
}

bool is_verity_corruption(std::string_view text)
{
  if (text.find("dm-verity device corrupted") != std::string_view::npos) return true;
  const auto at = text.rfind("device-mapper: verity:");
  if (at == std::string_view::npos) return false;
  const std::string_view rest = text.substr(at);
  return rest.substr(0, rest.find('\n')).find("corrupted") != std::string_view::npos;
}

std::vector<std::string> lines_of(std::string_view text)
{
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) {
    std::string said = shown(line);
    if (!said.empty()) lines.push_back(std::move(said));
  }
  return lines;
}

/// "tcp:127.0.0.1:8080-:80" -> "tcp port 127.0.0.1:8080".
std::string taken_port(std::string_view rule)
{
  const auto colon = rule.find(':');
  const auto dash = rule.find("-:");
  if (colon == std::string_view::npos || dash == std::string_view::npos || dash < colon)
    return std::string{rule};
  return fmt::format("{} port {}", rule.substr(0, colon), rule.substr(colon + 1, dash - colon - 1));
}

} // namespace

std::optional<std::string> console_reason(std::string_view console)
{
  if (is_verity_corruption(console)) return std::string{verity_reason};
  for (const std::string_view program : {"dstack-init: ", "dstack-guest: "})
    if (auto told = after_last(console, program)) return told;
  if (auto panic = after_last(console, "Kernel panic - not syncing: "))
    return "kernel panic: " + *panic;
  if (auto killed = after_last(console, "Out of memory: "))
    return "the guest ran out of memory: " + *killed;
  return std::nullopt;
}

std::string qemu_reason(std::string_view log)
{
  constexpr std::string_view forwarding = "Could not set up host forwarding rule '";
  if (auto rule = after_last(log, forwarding)) {
    const std::string port = taken_port(std::string_view{*rule}.substr(0, rule->find('\'')));
    return fmt::format("{} of the host is taken or may not be used", port);
  }
  if (log.find("Cannot allocate memory") != std::string_view::npos ||
      log.find("cannot set up guest memory") != std::string_view::npos)
    return "the host has too little memory for the VM (" + last_lines(log, 1) + ")";
  const std::string last = last_lines(log, 3);
  return last.empty() ? "QEMU said nothing" : last;
}

std::string last_lines(std::string_view text, std::size_t lines)
{
  std::vector<std::string> all = lines_of(text);
  if (all.size() > lines) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(lines));
  return join(all, " | ");
}

} // namespace dstack::supervisor
