// links: dns
// What servers answer: names stay names, texts stay within their record, no answer passes for a
// signed one, and keys that are read can be written down again.
#include "dns/update.hpp"

using namespace dstack;
using namespace dstack::dns;

namespace {

void check_name(const std::string& name)
{
  DSTACK_ASSERT(name.size() <= 253);
  const auto wire = wire_name(name);
  DSTACK_ASSERT(wire && wire->size() <= 255);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const ByteView raw{data, size};
  if (const auto message = parse_message(raw)) {
    for (const auto* section : {&message->answers, &message->authority})
      for (const Record& one : *section) {
        check_name(one.name);
        check_name(one.host);
        for (const std::string& text : one.strings)
          DSTACK_ASSERT(text.size() <= 255);
        DSTACK_ASSERT(one.caa.tag.size() <= 255);
      }
    static_cast<void>(texts_at(*message, "a.example"));
    if (message->tsig) DSTACK_ASSERT(message->tsig->offset < size);
  }
  const TsigKey key{"gw-key", TsigAlgorithm::hmac_sha256, SecretBytes{32}};
  const SignedUpdate asked{{0x12, 0x34}, Bytes(32, 1)};
  DSTACK_ASSERT(!check_update_answer(raw, asked, key, Time{1'800'000'000'000}));
  if (const auto read = parse_tsig_key(as_text(raw))) check_name(read->name);
  return 0;
}
