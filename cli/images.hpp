#pragma once
/// Guest OS images as commands name them.

#include "cli/context.hpp"
#include "osbuild/image_info.hpp"

namespace dstack::cli {

/// A name in the image store, or a path (anything with a slash).
Result<sys::fs::path> find_image(const Context& ctx, std::string_view word);
/// The named one, else the newest one there is.
Result<sys::fs::path> image_or_newest(const Context& ctx, std::string_view word);
/// Names in the image store, sorted.
std::vector<std::string> image_names(const Context& ctx);
codec::Json image_json(const osbuild::ImageInfo& info);
/// verify_image, remembered while no file of the image changes (size, times, inode).
Result<osbuild::ImageInfo> verify_image_cached(const Context& ctx, const sys::fs::path& directory);
/// Completer.
std::vector<Candidate> image_candidates(Context& ctx);

} // namespace dstack::cli
