#include "fetch/issuer_chain.hpp"

#include "x509/p256_certificate.hpp"

namespace dstack::fetch {

namespace {

Result<std::string> percent_decoded(std::string_view text)
{
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const auto byte = parse_hex(text.substr(at + 1, 2));
    if (!byte || byte->size() != 1)
      return fail(Errc::malformed, "'%' without two hex digits at character {}", at);
    out += as_text(*byte);
    at += 2;
  }
  return out;
}

} // namespace

Result<std::string> decode_chain_header(std::string_view value)
{
  if (value.size() > max_chain_header)
    return fail(Errc::malformed, "chain of {} characters (limit {})", value.size(),
                max_chain_header);
  std::string pem = TRY(percent_decoded(value));
  const auto certificates = TRY(x509::certificates_of_pem(pem, max_chain_certificates));
  if (certificates.empty()) return fail(Errc::malformed, "a chain without certificates");
  return pem;
}

} // namespace dstack::fetch
