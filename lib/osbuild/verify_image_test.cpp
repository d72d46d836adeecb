#include "crypto/hash.hpp"
#include "osbuild/osbuild.hpp"
#include "osbuild/root_disk.hpp"
#include "osbuild/unpack.hpp"

#include <doctest/doctest.h>

namespace dstack::osbuild {

namespace {

constexpr std::size_t max_file = std::size_t{16} << 20U;

/// A directory like a built image, with text where kernel and firmware would be.
class SampleImage {
public:
  SampleImage()
  {
    top_ = *sys::make_temp_directory(fs::temp_directory_path(), "image");
    fs::create_directory(directory());
    Bytes disk(root_partition_offset);
    for (std::size_t i = 0; i < 300'001; ++i)
      disk.push_back(static_cast<std::uint8_t>(i * 31 >> 8U));
    put("root", disk);
    root_ = *seal_root_disk(directory() / "root");
    for (const char* name : {"firmware", "kernel", "initrd"})
      put(name, as_bytes(name));
    describe({"firmware", "kernel", "initrd", "metadata.json"});
  }
  SampleImage(const SampleImage&) = delete;
  SampleImage& operator=(const SampleImage&) = delete;
  ~SampleImage() { fs::remove_all(top_); }

  fs::path directory() const { return top_ / "dstack-1.2.3"; }

  void put(const std::string& name, ByteView content) const
  {
    fs::remove(directory() / name);
    REQUIRE(write_file(directory() / name, content, 0644));
  }

  /// Changes one byte, runs the check, changes it back.
  Result<ImageInfo> verify_with_flip(const std::string& name, std::size_t at) const
  {
    Bytes content = *sys::read_file(directory() / name, max_file);
    content.at(at) ^= 1U;
    put(name, content);
    auto result = verify_image(directory());
    content.at(at) ^= 1U;
    put(name, content);
    return result;
  }

  void describe(const std::vector<std::string>& listed) const
  {
    image::Metadata metadata;
    metadata.bios = "firmware";
    metadata.kernel = "kernel";
    metadata.initrd = "initrd";
    metadata.rootfs = "root";
    metadata.cmdline = fmt::format("quiet dstack.rootfs_hash={} dstack.rootfs_size={}", root_.hash,
                                   root_.size_bytes);
    put("metadata.json", as_bytes(image::write_metadata(metadata)));
    std::vector<image::FileDigest> files;
    for (const std::string& name : listed)
      files.push_back({name, crypto::sha256(*sys::read_file(directory() / name, max_file))});
    const std::string manifest = image::write_manifest(files);
    put("sha256sum.txt", as_bytes(manifest));
    put("digest.txt", as_bytes(image::image_hash(manifest) + "\n"));
  }

  const SealedRoot& root() const { return root_; }

private:
  fs::path top_;
  SealedRoot root_;
};

void check_refused(const Result<ImageInfo>& result, std::string_view name)
{
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == Errc::untrusted);
  CHECK(result.error().message().find(name) != std::string::npos);
}

} // namespace

TEST_SUITE("osbuild::verify_image")
{
  TEST_CASE("an untouched image is accepted and described")
  {
    const SampleImage sample;
    const auto info = verify_image(sample.directory());
    REQUIRE(info);
    CHECK(info->root_hash == sample.root().hash);
    CHECK(info->metadata.kernel == "kernel");
    CHECK(sample.root().size_bytes % 4096 == 0);
  }

  TEST_CASE("a changed byte is found in every file, and the file is named")
  {
    const SampleImage sample;
    for (const char* name : {"firmware", "kernel", "initrd", "metadata.json"})
      check_refused(sample.verify_with_flip(name, 3), name);
    check_refused(sample.verify_with_flip("digest.txt", 3), "digest.txt");
    check_refused(sample.verify_with_flip("sha256sum.txt", 3), "sha256sum.txt");
    const std::size_t first = root_partition_offset;
    const std::size_t tree = first + sample.root().size_bytes + 4096;
    for (const std::size_t at : {first, first + 299'999, tree, tree + 4095}) {
      CAPTURE(at);
      check_refused(sample.verify_with_flip("root", at), "root");
    }
  }

  TEST_CASE("a file that boots but is not listed is refused")
  {
    const SampleImage sample;
    sample.describe({"firmware", "kernel", "metadata.json"});
    check_refused(verify_image(sample.directory()), "initrd");
  }

  TEST_CASE("missing files and links in place of files are refused")
  {
    const SampleImage sample;
    fs::rename(sample.directory() / "kernel", sample.directory() / "other");
    check_refused(verify_image(sample.directory()), "kernel");
    fs::create_symlink("other", sample.directory() / "kernel");
    check_refused(verify_image(sample.directory()), "kernel");
    fs::remove_all(sample.directory());
    CHECK(verify_image(sample.directory()).error().code() == Errc::not_found);
  }
}

} // namespace dstack::osbuild
