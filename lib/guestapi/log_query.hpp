#pragma once
/// The query of /logs/<container> (spec guest 4).

#include "base/text.hpp"

namespace dstack::guestapi {

/// How a message is written: as JSON with base64 in it, unless these say otherwise.
struct LogForm {
  bool text = false; ///< the message as text, not base64
  bool bare = false; ///< only the message
  bool ansi = false; ///< bare text keeps escape sequences
};

struct LogQuery {
  std::int64_t since = 0; ///< seconds since the epoch, 0 = from the start
  std::int64_t until = 0; ///< 0 = to the end
  bool follow = false;
  bool timestamps = false;
  std::string tail = "1000"; ///< number of lines, or "all"
  LogForm form{};
};

/// The error is what the stream then contains ("Invalid since").
Result<LogQuery> parse_log_query(std::string_view query, Time now);

} // namespace dstack::guestapi
