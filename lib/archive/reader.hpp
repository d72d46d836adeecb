#pragma once
/// libarchive's reading side, owned.

#include <archive.h>
#include <memory>

namespace dstack::archive {

struct CloseReader {
  void operator()(::archive* a) const { archive_read_free(a); }
};
using Reader = std::unique_ptr<::archive, CloseReader>;

} // namespace dstack::archive
