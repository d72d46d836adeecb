#pragma once
/// newc archives for the kernel (Documentation/driver-api/early-userspace/buffer-format.rst):
/// entries sorted by path, owned by root, with one modification time.

#include "base/bytes.hpp"

#include <map>

namespace dstack::image {

class CpioBuilder {
public:
  explicit CpioBuilder(std::uint32_t mtime) : mtime_(mtime) {}

  /// Paths are relative, without "." or ".."; parent directories come by themselves (0755).
  Status directory(const std::string& path, unsigned mode);
  Status file(const std::string& path, unsigned mode, Bytes content);
  Status character_device(const std::string& path, unsigned mode, unsigned major, unsigned minor);

  Bytes finish() const;

private:
  struct Entry {
    unsigned mode = 0; ///< with the file type
    Bytes content;
    unsigned major = 0;
    unsigned minor = 0;
  };
  Status add(const std::string& path, Entry entry);

  std::uint32_t mtime_;
  std::map<std::string, Entry> entries_;
};

} // namespace dstack::image
