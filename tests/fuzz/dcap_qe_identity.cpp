// links: dcap
#include "dcap/tcb_info.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const auto identity = dcap::parse_qe_identity(as_text(ByteView{data, size}));
  if (identity) static_cast<void>(dcap::level_for(identity->levels, 5));
  return 0;
}
