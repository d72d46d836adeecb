// links: supervisor
// What a VM writes on its console and what QEMU says: a guest that was taken over chooses the one,
// and after an escape the other.
#include "agents/vm/failure_reason.hpp"
#include "agents/vm/qmp.hpp"

#include <algorithm>

using namespace dstack;

namespace {

bool shown_safely(std::string_view text)
{
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\x1b' || c == '\0'; });
}

/// The names of all events, or nothing when a line was refused.
std::optional<std::string> names_of(ByteView data, std::size_t piece)
{
  supervisor::Qmp qmp;
  std::string out;
  while (!data.empty()) {
    const ByteView part = data.first(std::min(piece, data.size()));
    data = data.subspan(part.size());
    const auto events = qmp.feed(part);
    if (!events) return std::nullopt;
    for (const supervisor::QmpEvent& event : *events)
      out += event.name + "\n";
  }
  return out + qmp.take_output();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  DSTACK_ASSERT(names_of(raw, 1) == names_of(raw, size + 1));
  const std::string_view text = as_text(raw);
  if (const auto reason = supervisor::console_reason(text)) DSTACK_ASSERT(shown_safely(*reason));
  DSTACK_ASSERT(shown_safely(supervisor::qemu_reason(text)));
  DSTACK_ASSERT(shown_safely(supervisor::last_lines(text, 5)));
  return 0;
}
