// links: kms
#include "kms/replication.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  // Who signed the first line is taken for the root, so that the rest is reached.
  const std::string_view text = as_text(ByteView{data, size});
  const auto parts = kms::unsealed(text.substr(0, text.find('\n')), "signature", 65);
  if (!parts) return 0;
  const auto signer = crypto::k256_recover(kms::replication_digest(parts->body), parts->seal);
  if (!signer) return 0;
  const auto summary = kms::verify_replication(text, *signer);
  if (!summary) return 0;
  if (summary->whole + summary->torn != size) __builtin_trap();
  if (summary->entries.size() != summary->head.entries) __builtin_trap();
  return 0;
}
