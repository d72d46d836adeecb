#include "agents/launch/log.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"

#include <unistd.h>

namespace dstack::launch {

namespace {

std::string_view name_of(Level level)
{
  switch (level) {
  case Level::debug:
    return "debug";
  case Level::info:
    return "info";
  case Level::warning:
    return "warning";
  case Level::error:
    return "error";
  }
  bug("level without a name");
}

} // namespace

Result<Log> Log::to_file(const std::filesystem::path& path)
{
  Log log;
  log.fd_ = TRY(sys::open_append(path, sys::Privacy::owner_only));
  return log;
}

void Log::write(Level level,
                std::string_view module,
                std::string_view message,
                const codec::JsonObject& fields)
{
  codec::Json line;
  line.set("ts", format_utc(sys::now())).set("level", name_of(level)).set("module", module);
  line.set("msg", printable(message));
  for (const auto& [key, value] : fields)
    line.set(key, value);
  // A log that cannot be written (full disk) must not stop what it reports on.
  static_cast<void>(
      sys::write_all(fd_ ? fd_.get() : STDERR_FILENO, as_bytes(codec::write_json(line) + "\n")));
}

} // namespace dstack::launch
