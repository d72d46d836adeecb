// links: rpc
// However the bytes are cut, the same events come out; what is queued in answer stays within lines.
#include "rpc/channel.hpp"

using namespace dstack;

namespace {

constexpr rpc::ChannelLimits limits{.max_line_bytes = 4096, .max_calls = 4, .max_served = 4};

std::string digest(const std::vector<rpc::ChannelEvent>& events)
{
  std::string out;
  for (const auto& event : events) {
    out += fmt::format("{}:", event.index());
    if (const auto* request = std::get_if<rpc::RequestEvent>(&event))
      out +=
          fmt::format("{} {} {}", request->id, request->method, codec::write_json(request->params));
    if (const auto* answer = std::get_if<rpc::AnswerEvent>(&event))
      out += fmt::format("{}", answer->id);
    if (const auto* piece = std::get_if<rpc::PieceEvent>(&event)) out += hex(piece->data);
    out += '\n';
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  rpc::Channel whole{1, limits};
  rpc::Channel pieces{1, limits};
  for (int i = 0; i < 3; ++i)
    for (rpc::Channel* channel : {&whole, &pieces})
      DSTACK_ASSERT(channel->call("Ask", codec::Json{}));
  const std::string expected = digest(whole.feed({data, size}));
  std::string got;
  for (std::size_t i = 0; i < size; ++i)
    got += digest(pieces.feed({data + i, 1}));
  DSTACK_ASSERT(got == expected);
  DSTACK_ASSERT(whole.output() == pieces.output());
  for (std::uint64_t id = 0; id < 8; ++id)
    static_cast<void>(whole.answer(id, codec::Json{std::string(8192, 'x')}));
  std::size_t line = 0;
  for (const char c : whole.output()) {
    line = c == '\n' ? 0 : line + 1;
    DSTACK_ASSERT(line <= limits.max_line_bytes);
  }
  return 0;
}
