// links: fetch x509
// A header's chain: what decodes is certificates, and encoding it again decodes to the same.
#include "fetch/issuer_chain.hpp"
#include "http/message.hpp"

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text({data, size});
  const auto pem = fetch::decode_chain_header(text);
  if (!pem) return 0;
  DSTACK_ASSERT(pem->size() <= size &&
                pem->find("-----BEGIN CERTIFICATE-----") != std::string::npos);
  const std::string encoded = http::percent_encode(*pem);
  if (encoded.size() > fetch::max_chain_header) return 0;
  const auto again = fetch::decode_chain_header(encoded);
  DSTACK_ASSERT(again && *again == *pem);
  return 0;
}
