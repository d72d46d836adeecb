#pragma once
/// Named steps of what must not be interrupted halfway, and writing with such steps: tests end the
/// process at each and look what is left.

#include "sys/files.hpp"

namespace dstack::vault {

/// Called with the name of each step that was reached. An empty one is never called.
using FailPoints = std::function<void(std::string_view point)>;

/// Ends this process with SIGKILL at that step; "list" writes the names of all steps to stderr.
FailPoints crash_at(std::string point);

void reach(const FailPoints& points, std::string_view point);

/// A new file with that content, on the disk when this returns: for files that nobody looks at
/// before something else is renamed. Steps: name.created, name.half, name.written, name.synced.
Status write_new_file(const sys::fs::path& path,
                      ByteView data,
                      const FailPoints& points,
                      std::string_view name);
/// Replaces path as a whole. Steps: those of write_new_file for path.new, then name.replaced.
Status replace_file(const sys::fs::path& path,
                    ByteView data,
                    const FailPoints& points,
                    std::string_view name);

} // namespace dstack::vault
