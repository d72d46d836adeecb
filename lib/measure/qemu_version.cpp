#include "measure/qemu_version.hpp"

#include "base/text.hpp"

#include <array>

namespace dstack::measure {

namespace {

/// Releases count far below this.
constexpr std::uint64_t max_number = 9'999;

} // namespace

Result<QemuVersion> parse_qemu_version(std::string_view text)
{
  const auto parts = split(text, '.');
  std::array<std::uint32_t, 3> numbers{};
  bool good = parts.size() == numbers.size();
  for (std::size_t i = 0; good && i < numbers.size(); ++i) {
    const auto number = parse_u64(parts[i]);
    good = number && *number <= max_number;
    if (good) numbers.at(i) = static_cast<std::uint32_t>(*number);
  }
  if (!good)
    return fail(Errc::usage, "'{}' is not a QEMU version (want three numbers, as in 9.2.1)", text);
  return QemuVersion{numbers[0], numbers[1], numbers[2]};
}

std::string text_of(const QemuVersion& version)
{
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

} // namespace dstack::measure
