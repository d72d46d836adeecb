#include "osbuild/compare.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"

#include <algorithm>
#include <set>

namespace dstack::osbuild {

namespace {

constexpr std::size_t compared_at_once = std::size_t{1} << 20U;

Result<std::set<std::string>> names_in(const fs::path& directory)
{
  std::set<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory, error})
    out.insert(entry.path().filename().string());
  if (error) return fail(Errc::io, "read {}: {}", directory.string(), error.message());
  return out;
}

struct Compared {
  std::uint64_t first = 0; ///< offset of the first byte that differs
  std::uint64_t count = 0; ///< how many do, within the shorter file
};

/// Reads whole pieces, so that both sides stay in step.
Result<Bytes> next_piece(const sys::Fd& fd)
{
  Bytes out;
  while (out.size() < compared_at_once) {
    const Bytes more = TRY(sys::read_some(fd.get(), compared_at_once - out.size()));
    if (more.empty()) break;
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

Result<Compared> compare_bytes(const fs::path& a, const fs::path& b)
{
  const sys::Fd first = TRY(sys::open_read(a));
  const sys::Fd second = TRY(sys::open_read(b));
  Compared out;
  for (std::uint64_t at = 0;; at += compared_at_once) {
    const Bytes x = TRY(next_piece(first));
    const Bytes y = TRY(next_piece(second));
    const std::size_t common = std::min(x.size(), y.size());
    if (common == 0) return out;
    if (equal(x, y)) continue;
    for (std::size_t i = 0; i < common; ++i)
      if (x[i] != y[i] && out.count++ == 0) out.first = at + i;
  }
}

/// The members of two JSON objects that differ, or nothing when they are not two objects.
Result<std::string> compare_members(const fs::path& a, const fs::path& b)
{
  const auto x = TRY(codec::parse_json(TRY(sys::read_text(a, image::max_metadata))));
  const auto y = TRY(codec::parse_json(TRY(sys::read_text(b, image::max_metadata))));
  if (!x.is_object() || !y.is_object()) return std::string{};
  const auto shown = [](const codec::Json* value) {
    return value == nullptr ? std::string{"missing"} : printable(codec::write_json(*value));
  };
  std::set<std::string> keys;
  for (const codec::Json* side : {&x, &y})
    for (const auto& [key, value] : side->members())
      keys.insert(key);
  std::vector<std::string> out;
  for (const std::string& key : keys) {
    const codec::Json* left = x.find(key);
    const codec::Json* right = y.find(key);
    if (left != nullptr && right != nullptr && *left == *right) continue;
    out.push_back(fmt::format("\"{}\" is {} and {}", printable(key), shown(left), shown(right)));
  }
  return join(out, "; ");
}

/// Empty when the files are the same.
Result<std::string> compare_files(const fs::path& a, const fs::path& b)
{
  const std::uint64_t size = TRY(sys::file_size(a));
  const std::uint64_t other = TRY(sys::file_size(b));
  const Compared compared = TRY(compare_bytes(a, b));
  if (size == other && compared.count == 0) return std::string{};
  if (a.filename() == image::metadata_file) {
    const auto members = compare_members(a, b);
    if (members && !members->empty()) return *members;
  }
  std::vector<std::string> out;
  if (size != other) out.push_back(fmt::format("{} and {} bytes", size, other));
  if (compared.count != 0)
    out.push_back(
        fmt::format("first differs at byte {}, {} bytes differ", compared.first, compared.count));
  return join(out, "; ");
}

} // namespace

Result<std::vector<Difference>> compare_images(const fs::path& a, const fs::path& b)
{
  const auto left = TRY(names_in(a));
  const auto right = TRY(names_in(b));
  std::set<std::string> all = left;
  all.insert(right.begin(), right.end());
  std::vector<Difference> out;
  for (const std::string& name : all) {
    if (left.count(name) == 0 || right.count(name) == 0) {
      out.push_back({name, fmt::format("only in {}", (left.count(name) == 0 ? b : a).string())});
      continue;
    }
    std::string what = TRY(compare_files(a / name, b / name).within("{}", name));
    if (!what.empty()) out.push_back({name, std::move(what)});
  }
  return out;
}

} // namespace dstack::osbuild
