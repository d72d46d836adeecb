// links: dcap
#include "codec/json.hpp"
#include "dcap/signed_json.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view body = as_text(ByteView{data, size});
  const auto found = dcap::split_signed_json(body, "tcbInfo");
  if (!found) return 0;
  if (found->text.front() != '{' || found->text.back() != '}') __builtin_trap();
  // A JSON parser that accepts the body finds the same value.
  const auto whole = codec::parse_json(body);
  const auto part = codec::parse_json(found->text);
  if (whole && (!part || !(*whole->find("tcbInfo") == *part))) __builtin_trap();
  return 0;
}
