// links: archive
// Any bytes as a bundle: refused, or every entry lies inside the file and reads to its stated size.
#include "archive/bundle.hpp"

#include <sys/mman.h>
#include <unistd.h>

using namespace dstack;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const sys::Fd fd{::memfd_create("bundle", MFD_CLOEXEC)};
  if (!sys::write_all(fd.get(), {data, size})) return 0;
  const auto bundle = archive::BundleReader::open(fd.get());
  if (!bundle) return 0;
  for (const std::string& name : bundle->names()) {
    const auto bytes = bundle->read(name, size);
    DSTACK_ASSERT(!bytes || bytes->size() == *bundle->size(name));
  }
  static_cast<void>(bundle->info());
  static_cast<void>(archive::verify_blobs(*bundle));
  return 0;
}
