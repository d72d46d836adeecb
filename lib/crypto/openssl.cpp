#include "crypto/openssl.hpp"

#include <array>
#include <openssl/err.h>

namespace dstack::crypto {

Error openssl_error(Errc code, std::string_view what)
{
  std::string reasons;
  while (const unsigned long error = ERR_get_error()) {
    std::array<char, 256> text{};
    ERR_error_string_n(error, text.data(), text.size());
    reasons += reasons.empty() ? ": " : "; ";
    reasons += text.data();
  }
  return fail(code, "{}{}", what, reasons);
}

} // namespace dstack::crypto
