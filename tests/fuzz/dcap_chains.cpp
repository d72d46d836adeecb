// links: dcap
#include "dcap/chains.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

// PEM of a PCK chain: nothing that is not Intel's may come out as proven.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view pem = as_text(ByteView{data, size});
  static_cast<void>(dcap::root_name_of(pem));
  const auto chain = dcap::prove_pck_chain(pem, dcap::Anchor::intel());
  if (chain && chain->certificates.size() != 3) __builtin_trap();
  return 0;
}
