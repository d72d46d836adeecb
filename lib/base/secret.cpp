#include "base/secret.hpp"

#include <algorithm>
#include <cstring>

namespace dstack {

void wipe(std::span<std::uint8_t> memory)
{
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

// Not inlined: its frame has to lie where the frames of the caller's earlier calls lay.
[[gnu::noinline]] void wipe_stack()
{
  constexpr std::size_t depth = std::size_t{32} << 10U;
  std::array<std::uint8_t, depth> below; // NOLINT(cppcoreguidelines-pro-type-member-init)
  wipe(below);
}

SecretBytes& SecretBytes::operator=(const SecretBytes& other)
{
  if (&other == this) return *this;
  wipe(value_);
  value_ = other.value_;
  return *this;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept
{
  if (&other == this) return *this;
  wipe(value_);
  value_ = std::move(other.value_);
  return *this;
}

SecretBytes& SecretBytes::append(ByteView more)
{
  if (value_.capacity() - value_.size() < more.size()) {
    Bytes larger;
    larger.reserve(std::max(2 * value_.capacity(), value_.size() + more.size()));
    larger.assign(value_.begin(), value_.end());
    wipe(value_);
    value_ = std::move(larger);
  }
  value_.insert(value_.end(), more.begin(), more.end());
  return *this;
}

void SecretBytes::shrink(std::size_t size)
{
  if (size >= value_.size()) return;
  wipe(std::span{value_}.subspan(size));
  value_.resize(size);
}

} // namespace dstack
