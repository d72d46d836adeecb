#include "agents/vm/qmp.hpp"

#include "base/text.hpp"

namespace dstack::supervisor {

using codec::Json;

Result<std::vector<QmpEvent>> Qmp::feed(ByteView data)
{
  std::vector<QmpEvent> events;
  std::string_view rest = as_text(data);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view part = rest.substr(0, end);
    if (line_.size() + part.size() > max_qmp_line)
      return fail(Errc::malformed, "QMP: a line longer than {} bytes", max_qmp_line);
    line_ += part;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
    const std::string text = std::exchange(line_, {});
    if (!trim(text).empty()) TRY(line(text, events).within("QMP"));
  }
  return events;
}

Status Qmp::line(std::string_view text, std::vector<QmpEvent>& events)
{
  const Json message = TRY(codec::parse_json(text, {.max_bytes = max_qmp_line}));
  if (!message.is_object()) return fail(Errc::malformed, "not an object");
  if (message.find("event") != nullptr) {
    const Json* details = message.find("data");
    events.push_back({TRY(message.need_string("event")), details == nullptr ? Json{} : *details});
    return ok();
  }
  if (const Json* error = message.find("error"))
    return fail(Errc::io, "a command was refused: {}", TRY(error->get_string("desc", "no reason")));
  if (message.find("QMP") != nullptr && !greeted_) {
    greeted_ = true;
    execute("qmp_capabilities");
  } else if (message.find("return") != nullptr && greeted_ && !ready_) {
    ready_ = true;
    events.push_back({});
  }
  return ok();
}

void Qmp::execute(std::string_view command)
{
  output_ += codec::write_json(Json{}.set("execute", command)) + "\n";
}

} // namespace dstack::supervisor
