#include "sys/threads.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

namespace dstack::sys {

Status run_parallel(const std::vector<std::function<Status()>>& tasks, unsigned workers)
{
  std::vector<std::optional<Status>> results(tasks.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < tasks.size(); i = next++)
      results[i] = tasks[i]();
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min<std::size_t>(std::max(1U, workers), tasks.size());
    threads.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      threads.emplace_back(work);
  }
  for (std::optional<Status>& result : results)
    if (!*result) return std::move(*result).error();
  return ok();
}

unsigned processor_count()
{
  return std::max(1U, std::thread::hardware_concurrency());
}

} // namespace dstack::sys
