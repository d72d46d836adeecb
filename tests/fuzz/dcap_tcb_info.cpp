// links: dcap
#include "dcap/tcb_info.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text(ByteView{data, size});
  if (const auto info = dcap::parse_tcb_info(text)) {
    if (info->levels.empty()) __builtin_trap();
    static_cast<void>(info->module_of(3));
  }
  return 0;
}
