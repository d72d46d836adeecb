#include "osbuild/measurement.hpp"

#include "measure/documents.hpp"
#include "measure/made_pe.hpp"
#include "osbuild/unpack.hpp"

#include <doctest/doctest.h>

namespace dstack::osbuild {

namespace {

const fs::path corpus = DSTACK_SOURCE_DIR "/tests/fuzz/corpus";
constexpr std::size_t max_sample = std::size_t{1} << 20U;

/// Boot files of made-up firmware and kernel, described.
class SampleFiles {
public:
  explicit SampleFiles(bool with_sev)
  {
    put("ovmf.fd", *sys::read_file(corpus / "measure_tdvf/two-pages-and-hob", max_sample));
    put("bzImage", measure::made_pe());
    put("initramfs", as_bytes("initramfs"));
    metadata_.bios = "ovmf.fd";
    metadata_.kernel = "bzImage";
    metadata_.initrd = "initramfs";
    metadata_.rootfs = "root";
    metadata_.cmdline = "quiet dstack.rootfs_hash=00";
    if (!with_sev) return;
    metadata_.bios_sev = "ovmf-sev.fd";
    put("ovmf-sev.fd", *sys::read_file(corpus / "measure_snp_firmware/five-sections", max_sample));
  }
  SampleFiles(const SampleFiles&) = delete;
  SampleFiles& operator=(const SampleFiles&) = delete;
  ~SampleFiles() { fs::remove_all(directory_); }

  void put(const std::string& name, ByteView content) const
  {
    fs::remove(directory_ / name);
    REQUIRE(write_file(directory_ / name, content, 0644));
  }
  Status describe() const { return describe_files(directory_, metadata_); }
  auto check() const { return check_documents(directory_, metadata_); }
  std::string listed() const
  {
    const auto files =
        image::parse_manifest(*sys::read_text(directory_ / "sha256sum.txt", max_sample));
    REQUIRE(files);
    std::string out;
    for (const image::FileDigest& file : *files)
      out += file.name + " ";
    return out;
  }
  const fs::path& directory() const { return directory_; }
  image::Metadata& metadata() { return metadata_; }

private:
  fs::path directory_ = *sys::make_temp_directory(fs::temp_directory_path(), "measurement");
  image::Metadata metadata_;
};

void check_named(const Result<std::vector<CheckedDocument>>& result, std::string_view text)
{
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == Errc::untrusted);
  CHECK(result.error().message().starts_with(text));
}

} // namespace

TEST_SUITE("osbuild::measurement")
{
  TEST_CASE("an image gets the documents that its files give, listed in the published order")
  {
    for (const bool with_sev : {false, true}) {
      const SampleFiles sample{with_sev};
      REQUIRE(sample.describe());
      CHECK(sample.listed() ==
            std::string{"ovmf.fd bzImage initramfs metadata.json measurement.tdx.cbor "} +
                (with_sev ? "measurement.snp.cbor " : ""));
      const auto checked = sample.check();
      REQUIRE(checked);
      CHECK(checked->size() == (with_sev ? 2 : 1));
      CHECK(*checked->front().facts.need_string("cmdline") == "quiet dstack.rootfs_hash=00");
    }
  }

  TEST_CASE("a file that changed is named by the member that it changes")
  {
    SampleFiles sample{true};
    REQUIRE(sample.describe());
    sample.put("initramfs", as_bytes("another"));
    check_named(sample.check(), "measurement.tdx.cbor: kernel_authenticode is"); // by its size
    sample.put("initramfs", as_bytes("Initramfs"));
    check_named(sample.check(), "measurement.tdx.cbor: initrd_sha384 is");
    sample.put("initramfs", as_bytes("initramfs"));
    Bytes firmware = *sys::read_file(sample.directory() / "ovmf-sev.fd", max_sample);
    firmware[5] ^= 1U;
    sample.put("ovmf-sev.fd", firmware);
    check_named(sample.check(), "measurement.snp.cbor: ovmf_hash is");
    const auto status = check_sev_firmware(sample.directory(), sample.metadata());
    REQUIRE_FALSE(status);
    CHECK(status.error().code() == Errc::untrusted);
  }

  TEST_CASE("unknown layouts of firmware get no document, and a document needs its firmware")
  {
    SampleFiles sample{true};
    REQUIRE(sample.describe());
    sample.metadata().ovmf_variant = "pre209999";
    CHECK(sample.check().error().code() == Errc::unsupported);
    sample.metadata().ovmf_variant = "";
    sample.metadata().bios_sev = "";
    check_named(sample.check(), "measurement.snp.cbor: metadata.json names no firmware");
    fs::remove(sample.directory() / measure::snp_document_file);
    fs::remove(sample.directory() / measure::tdx_document_file);
    CHECK(sample.check()->empty());
  }
}

} // namespace dstack::osbuild
