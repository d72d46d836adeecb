#pragma once
/// The programs of the lock's "tools" packages, run through their own loader and libraries, so that
/// the bytes they write do not depend on the host.

#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

class Tools {
public:
  /// root: where the tools packages were unpacked.
  explicit Tools(fs::path root) : root_(std::move(root)) {}
  /// program is a path below root ("usr/sbin/depmod"). A failure shows the end of its stderr.
  Status run(const std::string& program, const std::vector<std::string>& arguments) const;

private:
  fs::path root_;
};

} // namespace dstack::osbuild
