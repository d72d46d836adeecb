// links: guest_core
// The header of the data disk, as the host may forge it: an accepted one has both copies and the
// fixed parts that decide how data is encrypted.
#include "guest/luks_header.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView start{data, size};
  if (!guest::check_luks_header(start)) return 0;
  DSTACK_ASSERT(guest::has_luks_magic(start));
  const std::string_view text = as_text(start);
  DSTACK_ASSERT(text.find("aes-xts-plain64") != text.rfind("aes-xts-plain64"));
  DSTACK_ASSERT(text.find("cipher_null") == std::string_view::npos ||
                text.find('\0', 4096) < text.find("cipher_null"));
  return 0;
}
