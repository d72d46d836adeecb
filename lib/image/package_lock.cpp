#include "image/package_lock.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <limits>

namespace dstack::image {

namespace {

constexpr std::uint64_t max_package = std::uint64_t{1} << 30U;
constexpr std::size_t max_packages = 10'000;

std::vector<std::string_view> words_of(std::string_view line)
{
  std::vector<std::string_view> out;
  for (const std::string_view word : split(line, ' '))
    if (!word.empty()) out.push_back(word);
  return out;
}

Status want_words(const std::vector<std::string_view>& words, std::size_t count)
{
  if (words.size() == count) return ok();
  return fail(Errc::malformed, "\"{}\" with {} words (want {})", printable(words.front()),
              words.size(), count);
}

Status check_path(std::string_view path)
{
  const bool plain = !path.empty() && path.front() != '/' && path.ends_with(".deb") &&
                     path.find("..") == std::string_view::npos;
  if (!plain) return fail(Errc::malformed, "\"{}\" is no path of a package", printable(path));
  return ok();
}

Status read_package(PackageLock& lock, const std::vector<std::string_view>& words)
{
  TRY(want_words(words, 9));
  LockedPackage package;
  for (const std::string_view role : split(words[1], ','))
    package.roles.emplace_back(role);
  package.name = std::string{words[2]};
  package.version = std::string{words[3]};
  package.architecture = std::string{words[4]};
  package.archive = std::string{words[5]};
  if (!lock.archives.contains(package.archive))
    return fail(Errc::malformed, "archive \"{}\" is not declared", printable(words[5]));
  TRY(check_path(words[6]));
  package.path = std::string{words[6]};
  package.size_bytes = TRY(parse_u64(words[7]).within("size"));
  if (package.size_bytes == 0 || package.size_bytes > max_package)
    return fail(Errc::malformed, "a package of {} bytes", package.size_bytes);
  package.sha256 = TRY(parse_hex_array<32>(words[8]).within("sha256"));
  if (lock.packages.size() >= max_packages) return fail(Errc::malformed, "too many packages");
  lock.packages.push_back(std::move(package));
  return ok();
}

Status read_epoch(PackageLock& lock, const std::vector<std::string_view>& words)
{
  TRY(want_words(words, 2));
  const std::uint64_t epoch = TRY(parse_u64(words[1]).within("epoch"));
  if (epoch == 0 || epoch > std::numeric_limits<std::uint32_t>::max())
    return fail(Errc::malformed, "epoch {} does not fit", epoch);
  lock.epoch = static_cast<std::uint32_t>(epoch);
  return ok();
}

Status read_archive(PackageLock& lock, const std::vector<std::string_view>& words)
{
  TRY(want_words(words, 3));
  if (!words[2].starts_with("http://") && !words[2].starts_with("https://"))
    return fail(Errc::malformed, "\"{}\" is no URL", printable(words[2]));
  if (!lock.archives.emplace(words[1], words[2]).second)
    return fail(Errc::malformed, "archive \"{}\" is declared twice", printable(words[1]));
  return ok();
}

Status read_line(PackageLock& lock, const std::vector<std::string_view>& words)
{
  if (words[0] == "package") return read_package(lock, words);
  if (words[0] == "epoch") return read_epoch(lock, words);
  if (words[0] == "archive") return read_archive(lock, words);
  if (words[0] == "format") {
    TRY(want_words(words, 2));
    if (words[1] == "1") return ok();
    return fail(Errc::unsupported, "format {} (want 1)", printable(words[1]));
  }
  return fail(Errc::malformed, "unknown word \"{}\"", printable(words[0]));
}

} // namespace

bool LockedPackage::has_role(std::string_view role) const
{
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

std::string LockedPackage::file_name() const
{
  return path.substr(path.rfind('/') + 1);
}

Result<PackageLock> parse_package_lock(std::string_view text)
{
  if (text.size() > max_package_lock) return fail(Errc::malformed, "{} bytes", text.size());
  PackageLock lock;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const auto words = words_of(line);
    if (words.empty() || words[0].starts_with('#')) continue;
    TRY(read_line(lock, words).within("line {}", number));
  }
  if (lock.epoch == 0) return fail(Errc::malformed, "no epoch line");
  if (lock.packages.empty()) return fail(Errc::malformed, "no packages");
  return lock;
}

} // namespace dstack::image
