// links: guest_core
// What dockerd answers: the list of containers, lines of an operation's progress, errors.
#include "guest/docker_wire.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  if (const auto all = guest::parse_containers(text))
    for (const guest::Container& one : *all)
      static_cast<void>(one.exit_code());
  static_cast<void>(guest::error_in_stream(text));
  static_cast<void>(guest::error_message(text));
  return 0;
}
