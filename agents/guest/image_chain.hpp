#pragma once
/// From the digest a compose file pins to the image id docker will know the image by.

#include "base/bytes.hpp"

#include <functional>

namespace dstack::guest {

/// Reads an entry of the bundle, at most max bytes.
using BlobSource = std::function<Result<Bytes>(std::string_view path, std::size_t max)>;

/// Follows pinned digest -> (index ->) manifest -> configuration, checking every blob against the
/// digest that led to it. Errc::untrusted when bytes differ, Errc::not_found when a blob is
/// missing.
Result<std::string> image_id_of(std::string_view pinned_digest, const BlobSource& blobs);

} // namespace dstack::guest
