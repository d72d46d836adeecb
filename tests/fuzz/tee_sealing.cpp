// links: tee
// An answer that reads fits its input and is what its numbers say.
#include "tee/sealing_wire.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  if (const auto frame = tee::sealing_answer_size(raw))
    DSTACK_ASSERT(size == tee::sealing_prefix_size && *frame <= tee::max_sealing_answer);
  const auto answer = tee::parse_sealing_answer(as_text(raw));
  if (!answer) return 0;
  DSTACK_ASSERT(2 * (answer->encrypted_key.size() + answer->provider_quote.size()) <= size);
  // A request is the same form, so it reads back what was written.
  const Bytes request = tee::sealing_request(answer->provider_quote);
  const auto text = as_text(request).substr(tee::sealing_prefix_size);
  DSTACK_ASSERT(*tee::sealing_answer_size(ByteView{request}.first(4)) == text.size());
  return 0;
}
