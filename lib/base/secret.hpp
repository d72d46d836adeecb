#pragma once
/// Key material: wiped when it goes, without a formatter and without operator==.

#include "base/bytes.hpp"

namespace dstack {

/// Overwrites memory in a way the optimiser keeps.
void wipe(std::span<std::uint8_t> memory);

template <std::size_t N> class Secret {
public:
  Secret() = default;
  explicit Secret(const std::array<std::uint8_t, N>& value) : value_(value) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(other.value_) { wipe(other.value_); }
  Secret& operator=(Secret&& other) noexcept
  {
    value_ = other.value_;
    if (&other != this) wipe(other.value_);
    return *this;
  }
  ~Secret() { wipe(value_); }
  bool operator==(const Secret&) const = delete;

  ByteView view() const { return value_; }
  std::span<std::uint8_t> mutable_view() { return value_; }

private:
  std::array<std::uint8_t, N> value_{};
};

} // namespace dstack
