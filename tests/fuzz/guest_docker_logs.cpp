// links: guest_core
// Container output framed by dockerd: whole and byte by byte give the same bytes, never more than
// came in.
#include "guest/docker_wire.hpp"

using namespace dstack;

namespace {

std::string demux(std::string_view data, std::size_t step)
{
  std::string out;
  guest::LogDemuxer demuxer;
  const auto collect = [&](guest::LogStream, std::string_view text) { out += text; };
  for (std::size_t at = 0; at < data.size(); at += step)
    if (!demuxer.feed(data.substr(at, step), collect)) break;
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  const std::string whole = demux(text, size == 0 ? 1 : size);
  DSTACK_ASSERT(whole == demux(text, 1));
  DSTACK_ASSERT(whole.size() <= size);
  static_cast<void>(guest::parse_containers(text));
  static_cast<void>(guest::error_in_stream(text));
  return 0;
}
