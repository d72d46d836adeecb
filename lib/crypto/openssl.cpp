#include "crypto/openssl_der.hpp"

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

Result<X509Certificate> certificate_of_der(ByteView der)
{
  const unsigned char* at = der.data();
  X509Certificate out{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
  if (!out) return openssl_error(Errc::malformed, "certificate");
  if (at != der.data() + der.size()) return fail(Errc::malformed, "bytes after the certificate");
  return out;
}

} // namespace dstack::crypto
