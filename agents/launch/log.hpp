#pragma once
/// JSON lines for people and journald: ts, level, module, msg, then the fields given.

#include "codec/json.hpp"
#include "sys/files.hpp"

namespace dstack::launch {

enum class Level { debug, info, warning, error };

class Log {
public:
  /// Appends to a file that is cut when it grows (see log_files.hpp); stderr until then.
  Log() = default;
  static Result<Log> to_file(const std::filesystem::path& path);

  void write(Level level,
             std::string_view module,
             std::string_view message,
             const codec::JsonObject& fields = {});
  void info(std::string_view module, std::string_view message, const codec::JsonObject& fields = {})
  {
    write(Level::info, module, message, fields);
  }
  void
  warning(std::string_view module, std::string_view message, const codec::JsonObject& fields = {})
  {
    write(Level::warning, module, message, fields);
  }
  void
  error(std::string_view module, std::string_view message, const codec::JsonObject& fields = {})
  {
    write(Level::error, module, message, fields);
  }

private:
  sys::Fd fd_;
};

} // namespace dstack::launch
