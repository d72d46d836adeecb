#include "guest/image_bundle.hpp"

#include "archive/bundle.hpp"
#include "base/text.hpp"
#include "compose/project.hpp"
#include "guest/block_device.hpp"
#include "guest/image_chain.hpp"
#include "oci/reference.hpp"

namespace dstack::guest {

namespace {

constexpr std::string_view disk_serial = "dstack-images";

Result<compose::Project> read_app(const compose::AppCompose& app)
{
  compose::ReadOptions options;
  options.encrypted = app.allowed_envs;
  if (const auto env = app.env_files.find(".env"); env != app.env_files.end())
    options.variables = TRY(compose::parse_dotenv(env->second, ".env"));
  return compose::read_project(app.docker_compose_file.value_or(""), options);
}

} // namespace

Result<ImageBundle> open_image_bundle(const compose::AppCompose& app)
{
  const compose::Project project = TRY(read_app(app).within("docker_compose_file"));
  const auto matches = [](const BlockDevice& device) { return device.serial == disk_serial; };
  const BlockDevice disk = TRY(wait_for_block_device("disk dstack-images", matches, disk_deadline));
  const sys::Fd file = TRY(sys::open_read(disk.node()));
  const auto reader = TRY(archive::BundleReader::open(file.get()));
  const BlobSource blobs = [&](std::string_view path, std::size_t max) {
    return reader.read(path, max);
  };
  ImageBundle out;
  out.device = disk.node();
  out.size_bytes = disk.size_bytes;
  for (const compose::Service& service : project.services) {
    if (!service.profiles.empty()) continue; // not started by a plain "up"
    const auto reference = TRY(oci::parse_reference(service.image));
    if (reference.digest.empty())
      return fail(Errc::untrusted, "service {} names no digest for its image {}",
                  printable(service.name), printable(service.image));
    out.image_of_service[service.name] =
        TRY(image_id_of(reference.digest, blobs)
                .within("service {}, image {}", printable(service.name), printable(service.image)));
  }
  return out;
}

} // namespace dstack::guest
