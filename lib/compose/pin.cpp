#include "base/text.hpp"
#include "compose/project.hpp"

#include <algorithm>

namespace dstack::compose {

namespace {

bool is_digest(std::string_view text)
{
  constexpr std::string_view prefix = "sha256:";
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 64) return false;
  return std::all_of(text.begin() + prefix.size(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The new spelling of a scalar, in the quotes it had. References hold no character that any
/// quoting style would have to escape.
Result<std::string> respell(std::string_view old, const std::string& reference)
{
  const char first = old.empty() ? ' ' : old.front();
  if (first == '"' || first == '\'') return first + reference + first;
  if (first == '|' || first == '>')
    return fail(Errc::unsupported, "write the image reference on one line");
  return reference;
}

} // namespace

std::vector<ImageUse> image_uses(const Project& project)
{
  std::vector<ImageUse> out;
  for (const Service& service : project.services) {
    const auto same = [&](const ImageUse& use) {
      return use.span.begin == service.image_span.begin;
    };
    if (std::any_of(out.begin(), out.end(), same)) continue;
    const bool has_digest = service.image.find('@') != std::string::npos;
    out.push_back({service.image, has_digest, service.image_span});
  }
  std::sort(out.begin(), out.end(),
            [](const ImageUse& a, const ImageUse& b) { return a.span.begin < b.span.begin; });
  return out;
}

Result<std::string> pin_images(std::string_view text,
                               const Project& project,
                               const std::map<std::string, std::string>& digests)
{
  std::string out;
  std::size_t copied = 0;
  for (const ImageUse& use : image_uses(project)) {
    const auto digest = digests.find(use.reference);
    if (use.has_digest || digest == digests.end()) continue;
    if (!is_digest(digest->second))
      return fail(Errc::internal, "'{}' is no sha256 digest", printable(digest->second));
    if (use.span.begin < copied || use.span.end > text.size() || use.span.begin >= use.span.end)
      return fail(Errc::internal, "image '{}' has no place in the text", use.reference);
    const auto old = text.substr(use.span.begin, use.span.end - use.span.begin);
    auto fresh = respell(old, use.reference + "@" + digest->second);
    if (!fresh)
      return fail(fresh.error().code(), "line {}: image '{}': {}", use.span.at.line, use.reference,
                  fresh.error().message());
    out += text.substr(copied, use.span.begin - copied);
    out += *fresh;
    copied = use.span.end;
  }
  out += text.substr(copied);
  return out;
}

} // namespace dstack::compose
