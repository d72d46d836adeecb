#include "osbuild/measurement.hpp"

#include "crypto/hash.hpp"
#include "measure/image_files.hpp"
#include "osbuild/unpack.hpp"

namespace dstack::osbuild {

namespace {

/// The boot files of an image, in memory.
struct BootFiles {
  Bytes firmware{};
  Bytes sev_firmware{};
  Bytes kernel{};
  Bytes initrd{};
  std::string cmdline{};
  std::string ovmf_variant{};

  measure::ImageFiles view() const
  {
    return {firmware, sev_firmware, kernel, initrd, cmdline, ovmf_variant};
  }
};

Result<Bytes> read_boot_file(const fs::path& directory, const std::string& name)
{
  return sys::read_file(directory / name, max_boot_file).within("{}", name);
}

Result<BootFiles> read_boot_files(const fs::path& directory, const image::Metadata& metadata)
{
  BootFiles out;
  out.firmware = TRY(read_boot_file(directory, metadata.bios));
  if (!metadata.bios_sev.empty())
    out.sev_firmware = TRY(read_boot_file(directory, metadata.bios_sev));
  out.kernel = TRY(read_boot_file(directory, metadata.kernel));
  out.initrd = TRY(read_boot_file(directory, metadata.initrd));
  out.cmdline = metadata.cmdline;
  out.ovmf_variant = metadata.ovmf_variant;
  return out;
}

/// Writes the files that are to be in sha256sum.txt, and then that.
class Describer {
public:
  explicit Describer(const fs::path& directory) : directory_(directory) {}

  void list(const std::string& name, ByteView content)
  {
    files_.push_back({name, crypto::sha256(content)});
  }
  Status add(std::string_view name, ByteView content)
  {
    list(std::string{name}, content);
    return put(name, content);
  }
  Status finish()
  {
    const std::string manifest = image::write_manifest(files_);
    TRY(put(image::manifest_file, as_bytes(manifest)));
    return put(image::digest_file, as_bytes(image::image_hash(manifest) + "\n"));
  }

private:
  Status put(std::string_view name, ByteView content) const
  {
    return write_file(directory_ / name, content, 0644);
  }

  const fs::path& directory_;
  std::vector<image::FileDigest> files_;
};

Result<Bytes> read_document(const fs::path& directory, std::string_view name)
{
  return sys::read_file(directory / name, measure::max_document).within("{}", name);
}

/// The first member that differs, with both values.
Status compare(std::string_view name, const codec::Json& stated, const codec::Json& computed)
{
  for (const auto& [key, value] : computed.members()) {
    const codec::Json* found = stated.find(key);
    if (found == nullptr || *found != value)
      return fail(Errc::untrusted, "{}: {} is {}, the image's files give {}", name, key,
                  found == nullptr ? "missing" : codec::write_json(*found),
                  codec::write_json(value));
  }
  return ok();
}

Result<CheckedDocument> check_tdx(const fs::path& directory, const measure::ImageFiles& files)
{
  constexpr std::string_view name = measure::tdx_document_file;
  const auto stated =
      TRY(measure::parse_tdx_document(TRY(read_document(directory, name))).within("{}", name));
  const auto computed =
      TRY(measure::tdx_document_of(files, {stated.version, stated.kernel_header_normalized}));
  const codec::Json facts = to_json(stated);
  TRY(compare(name, facts, to_json(computed)));
  return CheckedDocument{std::string{name}, facts};
}

Result<CheckedDocument> check_snp(const fs::path& directory, const measure::ImageFiles& files)
{
  constexpr std::string_view name = measure::snp_document_file;
  if (files.sev_firmware.empty())
    return fail(Errc::untrusted, "{}: metadata.json names no firmware for SEV-SNP", name);
  const auto stated =
      TRY(measure::parse_snp_document(TRY(read_document(directory, name))).within("{}", name));
  const codec::Json facts = to_json(stated);
  TRY(compare(name, facts, to_json(TRY(measure::snp_image_of(files)))));
  return CheckedDocument{std::string{name}, facts};
}

} // namespace

Status describe_files(const fs::path& directory, const image::Metadata& metadata)
{
  const BootFiles files = TRY(read_boot_files(directory, metadata));
  Describer out{directory};
  out.list(metadata.bios, files.firmware);
  out.list(metadata.kernel, files.kernel);
  out.list(metadata.initrd, files.initrd);
  TRY(out.add(image::metadata_file, as_bytes(image::write_metadata(metadata))));
  const auto tdx = TRY(measure::tdx_document_of(files.view(), {}));
  TRY(out.add(measure::tdx_document_file, measure::write_document(tdx)));
  if (!metadata.bios_sev.empty()) {
    const auto snp = TRY(measure::snp_image_of(files.view()));
    TRY(out.add(measure::snp_document_file, measure::write_document(snp)));
  }
  return out.finish();
}

Status check_sev_firmware(const fs::path& directory, const image::Metadata& metadata)
{
  constexpr std::string_view name = measure::snp_document_file;
  const auto stated =
      TRY(measure::parse_snp_document(TRY(read_document(directory, name))).within("{}", name));
  const Bytes firmware = TRY(read_boot_file(directory, metadata.bios_sev));
  const auto found = TRY(measure::snp_firmware(firmware).within("{}", metadata.bios_sev));
  if (found == stated.firmware) return ok();
  return fail(Errc::untrusted, "{} has the launch digest {}, {} says {}", metadata.bios_sev,
              hex(found.digest), name, hex(stated.firmware.digest));
}

Result<std::vector<CheckedDocument>> check_documents(const fs::path& directory,
                                                     const image::Metadata& metadata)
{
  std::vector<CheckedDocument> out;
  const BootFiles files = TRY(read_boot_files(directory, metadata));
  if (fs::exists(directory / measure::tdx_document_file))
    out.push_back(TRY(check_tdx(directory, files.view())));
  if (fs::exists(directory / measure::snp_document_file))
    out.push_back(TRY(check_snp(directory, files.view())));
  return out;
}

} // namespace dstack::osbuild
