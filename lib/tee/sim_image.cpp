#include "tee/sim_image.hpp"

namespace dstack::tee {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_boot_file = std::size_t{512} << 20U;

} // namespace

Result<crypto::Sha384Digest> boot_file_digest(const fs::path& file)
{
  return crypto::sha384(TRY(sys::read_file(file, max_boot_file)));
}

Result<measure::BootMeasurement> simulated_image_boot(const fs::path& directory,
                                                      const image::Metadata& image,
                                                      const measure::VmShape& shape)
{
  Bytes firmware;
  if (!image.bios.empty())
    firmware = TRY(sys::read_file(directory / image.bios, measure::max_firmware_size));
  measure::BootInputs inputs;
  inputs.firmware = firmware;
  inputs.kernel = TRY(boot_file_digest(directory / image.kernel));
  inputs.initrd = TRY(boot_file_digest(directory / image.initrd));
  inputs.cmdline = image.cmdline;
  inputs.shape = shape;
  return measure::simulated_boot(inputs);
}

} // namespace dstack::tee
