#include "cpu.hpp"

#include "base/text.hpp"
#include "sys/files.hpp"

#include <unistd.h>

namespace dstack::gateway_load {

namespace {

constexpr std::size_t max_file = std::size_t{1} << 20U;

/// The line of /proc/stat that begins with name: user, nice, system, idle, iowait, irq, softirq,
/// steal in clock ticks (proc(5)).
Result<double> busy_seconds(const std::string& name)
{
  const std::string stat = TRY(sys::read_text("/proc/stat", max_file));
  for (const std::string_view line : split(stat, '\n')) {
    std::vector<std::string_view> words;
    for (const std::string_view word : split(line, ' '))
      if (!word.empty()) words.push_back(word);
    if (words.size() < 9 || words[0] != name) continue;
    std::uint64_t ticks = 0;
    for (const std::size_t column : {1U, 2U, 3U, 6U, 7U, 8U})
      ticks += TRY(parse_u64(words[column]));
    return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  return fail(Errc::not_found, "/proc/stat has no line {}", name);
}

} // namespace

Result<double> process_seconds(int pid)
{
  const std::string tasks = fmt::format("/proc/{}/task", pid);
  double total = 0;
  std::error_code error;
  for (const auto& entry : sys::fs::directory_iterator{tasks, error}) {
    const auto line = sys::read_text(entry.path() / "schedstat", max_file);
    if (!line) continue; // a thread that ended
    total += static_cast<double>(TRY(parse_u64(line->substr(0, line->find(' '))))) / 1e9;
  }
  if (error) return fail(Errc::io, "{}: {}", tasks, error.message());
  return total;
}

Result<double> machine_seconds()
{
  return busy_seconds("cpu");
}

Result<double> processor_seconds(unsigned processor)
{
  return busy_seconds(fmt::format("cpu{}", processor));
}

Result<std::uint64_t> resident_bytes(int pid)
{
  const std::string path = fmt::format("/proc/{}/statm", pid);
  const std::string text = TRY(sys::read_text(path, max_file));
  const auto words = split(text, ' ');
  if (words.size() < 2) return fail(Errc::malformed, "{}: {}", path, text);
  return TRY(parse_u64(words[1])) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace dstack::gateway_load
