#pragma once
/// Packages on disk: downloaded once, checked against the lock before every use.

#include "image/package_lock.hpp"
#include "osbuild/osbuild.hpp"

namespace dstack::osbuild {

/// Makes sure that every package is in the directory under its file name, with the locked hash.
/// Takes the archive of the lock, then snapshot.debian.org for what the archive has dropped.
Status fetch_packages(const std::vector<image::LockedPackage>& packages,
                      const image::PackageLock& lock,
                      const fs::path& directory,
                      unsigned workers,
                      Progress& progress);

} // namespace dstack::osbuild
