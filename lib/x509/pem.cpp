#include "x509/p256_certificate.hpp"

#include <algorithm>

namespace dstack::x509 {

namespace {

constexpr std::size_t max_block = std::size_t{6} << 20U;

bool is_blank(char c)
{
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::string_view skip_blank(std::string_view text)
{
  const auto at = std::find_if_not(text.begin(), text.end(), is_blank);
  return text.substr(static_cast<std::size_t>(at - text.begin()));
}

bool take(std::string_view& text, std::string_view prefix)
{
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// One block from the front of text.
Result<Bytes> take_block(std::string_view& text, std::string_view label)
{
  if (!take(text, "-----BEGIN ") || !take(text, label) || !take(text, "-----"))
    return fail(Errc::malformed, "PEM: no '-----BEGIN {}-----'", label);
  const std::size_t end = text.find("-----");
  if (end == std::string_view::npos || end > max_block)
    return fail(Errc::malformed, "PEM: no end of the block");
  std::string body{text.substr(0, end)};
  body.erase(std::remove_if(body.begin(), body.end(), is_blank), body.end());
  text.remove_prefix(end);
  if (!take(text, "-----END ") || !take(text, label) || !take(text, "-----"))
    return fail(Errc::malformed, "PEM: no '-----END {}-----'", label);
  return parse_base64(body).within("PEM");
}

std::string_view without_trailing_nul(std::string_view text)
{
  while (!text.empty() && (text.back() == '\0' || is_blank(text.back())))
    text.remove_suffix(1);
  return text;
}

} // namespace

Result<std::vector<Bytes>> certificates_of_pem(std::string_view text, std::size_t limit)
{
  text = skip_blank(without_trailing_nul(text));
  std::vector<Bytes> out;
  while (!text.empty()) {
    if (out.size() == limit) return fail(Errc::malformed, "more than {} certificates", limit);
    Bytes one = TRY(take_block(text, "CERTIFICATE"));
    out.push_back(std::move(one));
    text = skip_blank(text);
  }
  if (out.empty()) return fail(Errc::malformed, "no certificate in PEM form");
  return out;
}

Result<Bytes> one_pem_block(std::string_view text, std::string_view label)
{
  text = skip_blank(without_trailing_nul(text));
  Bytes out = TRY(take_block(text, label));
  if (!skip_blank(text).empty()) return fail(Errc::malformed, "PEM: text after the block");
  return out;
}

} // namespace dstack::x509
