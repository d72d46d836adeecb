#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "gateway/admin.hpp"

namespace dstack::gateway {

namespace {

/// Of digests: neither contents nor length of the token show in the time.
bool is_token(std::string_view given, std::string_view token)
{
  return crypto::equal_ct(crypto::sha256(as_bytes(given)), crypto::sha256(as_bytes(token)));
}

bool basic_fits(std::string_view credentials, std::string_view token)
{
  const auto raw = parse_base64(trim(credentials));
  if (!raw) return false;
  const std::string_view text = as_text(*raw);
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view user = text.substr(0, colon);
  const std::string_view password = text.substr(colon + 1);
  return is_token(password, token) || (password.empty() && is_token(user, token));
}

} // namespace

Access admin_access(const http::Request& request, std::string_view token)
{
  const auto granted = [](bool good) { return good ? Access::granted : Access::refused; };
  if (token.empty()) return Access::refused;
  if (const std::string* header = request.header("X-Admin-Token"))
    if (is_token(trim(*header), token)) return Access::granted;
  const std::string* header = request.header("Authorization");
  if (header == nullptr) return Access::refused;
  const std::string_view text = trim(*header);
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return Access::refused;
  const std::string scheme = lower(text.substr(0, blank));
  const std::string_view rest = trim(text.substr(blank));
  if (scheme == "bearer") return granted(is_token(rest, token));
  return granted(scheme == "basic" && basic_fits(rest, token));
}

http::Response admin_refusal()
{
  return {401,
          {{"WWW-Authenticate", "Basic realm=\"dstack-gateway admin\""},
           {"Content-Type", "text/plain; charset=utf-8"}},
          "the admin token is needed\n"};
}

} // namespace dstack::gateway
