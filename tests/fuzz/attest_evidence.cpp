// links: attest
#include "attest/evidence.hpp"
#include "codec/gzip.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  static_cast<void>(attest::recognise(raw));
  static_cast<void>(attest::parse_ratls(raw));
  const auto plain = codec::gunzip(raw, 4096);
  if (plain && plain->size() > 4096) __builtin_trap();
  return 0;
}
