#include "compose/version_range.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace dstack::compose {

namespace {

struct Version {
  std::uint64_t major = 0;
  std::optional<std::uint64_t> minor{}; ///< absent or a wildcard in a requirement
  std::optional<std::uint64_t> patch{};
  std::string pre{};
};

struct Comparator {
  std::string_view sign{}; ///< "" for a wildcard
  Version version{};
};

Result<Version> parse_version(std::string_view text)
{
  Version out;
  text = text.substr(0, text.find('+'));
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) out.pre = text.substr(dash + 1);
  const auto parts = split(text.substr(0, dash), '.');
  if (parts.size() > 3) return fail(Errc::malformed, "version '{}'", printable(text));
  out.major = TRY(parse_u64(parts[0]).within("version '{}'", printable(text)));
  const auto part = [&](std::size_t at) -> std::optional<std::uint64_t> {
    if (at >= parts.size()) return std::nullopt;
    const auto number = parse_u64(parts[at]);
    return number ? std::optional{*number} : std::nullopt; // a wildcard
  };
  out.minor = part(1);
  out.patch = out.minor ? part(2) : std::nullopt;
  return out;
}

Result<Comparator> parse_comparator(std::string_view text)
{
  Comparator out;
  out.sign = "^";
  const bool wild = text.find_first_of("*xX") != std::string_view::npos;
  for (const std::string_view sign : {">=", "<=", ">", "<", "=", "^", "~"})
    if (text.starts_with(sign)) {
      out.sign = sign;
      text = trim(text.substr(sign.size()));
      out.version = TRY(parse_version(text));
      return out;
    }
  if (wild) out.sign = "=";
  out.version = TRY(parse_version(text));
  return out;
}

/// SemVer 2.0 11.4: numbers below words, numbers by value, the shorter list first; none is highest.
int compare_pre(const std::string& a, const std::string& b)
{
  if (a.empty() || b.empty()) return a.empty() == b.empty() ? 0 : a.empty() ? 1 : -1;
  const auto left = split(a, '.');
  const auto right = split(b, '.');
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    const auto l = parse_u64(left[i]);
    const auto r = parse_u64(right[i]);
    if (bool(l) != bool(r)) return l ? -1 : 1;
    const int order = l ? (*l < *r ? -1 : *l > *r ? 1 : 0) : left[i].compare(right[i]);
    if (order != 0) return order;
  }
  return left.size() == right.size() ? 0 : left.size() < right.size() ? -1 : 1;
}

/// Below, within or above what the requirement spells; parts it leaves out match anything.
int order(const Version& version, const Version& wanted)
{
  if (version.major != wanted.major) return version.major < wanted.major ? -1 : 1;
  if (!wanted.minor) return 0;
  if (*version.minor != *wanted.minor) return *version.minor < *wanted.minor ? -1 : 1;
  if (!wanted.patch) return 0;
  if (*version.patch != *wanted.patch) return *version.patch < *wanted.patch ? -1 : 1;
  return compare_pre(version.pre, wanted.pre);
}

bool caret(const Version& version, const Version& wanted)
{
  if (order(version, wanted) < 0 || version.major != wanted.major) return false;
  if (wanted.major > 0 || !wanted.minor) return true;
  if (version.minor != wanted.minor) return false;
  return *wanted.minor > 0 || !wanted.patch || version.patch == wanted.patch;
}

bool tilde(const Version& version, const Version& wanted)
{
  if (order(version, wanted) < 0 || version.major != wanted.major) return false;
  return !wanted.minor || version.minor == wanted.minor;
}

bool satisfies(const Version& version, const Comparator& comparator)
{
  const Version& wanted = comparator.version;
  const int is = order(version, wanted);
  if (comparator.sign == "=") return is == 0;
  if (comparator.sign == ">") return is > 0;
  if (comparator.sign == ">=") return is >= 0;
  if (comparator.sign == "<") return is < 0;
  if (comparator.sign == "<=") return is <= 0;
  return comparator.sign == "~" ? tilde(version, wanted) : caret(version, wanted);
}

} // namespace

Result<bool> version_satisfies(std::string_view requirement, std::string_view version)
{
  const Version is = TRY(parse_version(version));
  if (!is.minor || !is.patch) return fail(Errc::malformed, "version '{}'", printable(version));
  const std::string_view whole = trim(requirement);
  if (whole == "*" || whole == "x" || whole == "X") return is.pre.empty();
  bool same_pre = is.pre.empty();
  for (const std::string_view part : split(requirement, ',')) {
    const Comparator one = TRY(parse_comparator(trim(part)));
    if (!satisfies(is, one)) return false;
    const Version& v = one.version;
    same_pre = same_pre || (!v.pre.empty() && v.major == is.major && v.minor == is.minor &&
                            v.patch == is.patch);
  }
  return same_pre;
}

} // namespace dstack::compose
