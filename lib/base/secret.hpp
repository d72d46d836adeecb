#pragma once
/// Key material: wiped when it goes, without a formatter and without operator==.

#include "base/bytes.hpp"

namespace dstack {

/// Overwrites memory in a way the optimiser keeps.
void wipe(std::span<std::uint8_t> memory);
/// Overwrites what earlier calls left below the caller's frame: libraries compute with secrets in
/// local arrays and do not all clean up.
void wipe_stack();

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

/// Key material whose size is known only at run time. Growing leaves no copy behind.
class SecretBytes {
public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t zeros) : value_(zeros) {}
  explicit SecretBytes(ByteView copy) : value_(copy.begin(), copy.end()) {}
  /// Takes the buffer over.
  explicit SecretBytes(Bytes&& bytes) : value_(std::move(bytes)) {}
  SecretBytes(const SecretBytes&) = default;
  SecretBytes(SecretBytes&& other) noexcept = default;
  SecretBytes& operator=(const SecretBytes& other);
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() { wipe(value_); }
  bool operator==(const SecretBytes&) const = delete;

  SecretBytes& append(ByteView more);
  void shrink(std::size_t size); ///< to its first bytes; the others are wiped
  bool empty() const { return value_.empty(); }
  std::size_t size() const { return value_.size(); }
  ByteView view() const { return value_; }
  std::span<std::uint8_t> mutable_view() { return value_; }

private:
  Bytes value_;
};

} // namespace dstack
