#include "oci/reference.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::oci {

namespace {

constexpr std::string_view lower_alnum = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t max_tag = 128;
constexpr std::size_t max_name = 255;

bool all_of(std::string_view text, std::string_view allowed)
{
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

/// Path component: runs of [a-z0-9] separated by '.', one or two '_', or dashes.
bool is_component(std::string_view text)
{
  static const std::string allowed = std::string{lower_alnum} + "._-";
  if (text.empty() || !all_of(text, allowed)) return false;
  const auto alnum = [](char c) { return lower_alnum.find(c) != std::string_view::npos; };
  if (!alnum(text.front()) || !alnum(text.back())) return false;
  return text.find("..") == std::string_view::npos && text.find("___") == std::string_view::npos &&
         text.find("._") == std::string_view::npos && text.find("_.") == std::string_view::npos;
}

bool is_registry(std::string_view text)
{
  const auto colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    const auto port = parse_u64(text.substr(colon + 1));
    if (!port || *port == 0 || *port > UINT16_MAX) return false;
  }
  static const std::string allowed = std::string{lower_alnum} + "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
  return !host.empty() && all_of(host, allowed) && host.front() != '-' && host.front() != '.' &&
         host.find("..") == std::string_view::npos;
}

bool is_tag(std::string_view text)
{
  static const std::string allowed = std::string{lower_alnum} + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-";
  return !text.empty() && text.size() <= max_tag && all_of(text, allowed) && text[0] != '.' &&
         text[0] != '-';
}

Error wrong(std::string_view text, std::string_view why)
{
  return fail(Errc::malformed, "image reference '{}': {}", printable(text.substr(0, 200)), why);
}

} // namespace

bool is_digest(std::string_view text)
{
  constexpr std::string_view prefix = "sha256:";
  return text.starts_with(prefix) && text.size() == prefix.size() + 64 &&
         all_of(text.substr(prefix.size()), hex_digits);
}

Result<Reference> parse_reference(std::string_view text)
{
  if (text.empty() || text.size() > max_reference) return wrong(text, "empty or too long");
  Reference out;
  std::string_view rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    out.digest = std::string{rest.substr(at + 1)};
    if (!is_digest(out.digest)) return wrong(text, "the digest is not sha256 and 64 hex digits");
    rest = rest.substr(0, at);
  }
  const auto slash = rest.find('/');
  const std::string_view first = rest.substr(0, slash);
  const bool has_registry =
      slash != std::string_view::npos && (first.find_first_of(".:") != std::string_view::npos ||
                                          first == "localhost" || lower(first) != first);
  out.registry = has_registry ? std::string{first} : "docker.io";
  if (out.registry == "index.docker.io") out.registry = "docker.io";
  if (!is_registry(out.registry)) return wrong(text, "the registry name is not a host name");
  if (has_registry) rest = rest.substr(slash + 1);
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
    out.tag = std::string{rest.substr(colon + 1)};
    if (!is_tag(out.tag)) return wrong(text, "the tag is not one");
    rest = rest.substr(0, colon);
  }
  const auto components = split(rest, '/');
  if (rest.size() > max_name || !std::all_of(components.begin(), components.end(), is_component))
    return wrong(text, "the name must be lower-case letters, digits and single separators");
  const bool official = out.registry == "docker.io" && components.size() == 1;
  out.repository = official ? fmt::format("library/{}", rest) : std::string{rest};
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  return out;
}

std::string Reference::canonical() const
{
  std::string out = fmt::format("{}/{}", registry, repository);
  if (!tag.empty()) out += ":" + tag;
  if (!digest.empty()) out += "@" + digest;
  return out;
}

std::string Reference::api_host() const
{
  return registry == "docker.io" ? "registry-1.docker.io" : registry;
}

} // namespace dstack::oci
