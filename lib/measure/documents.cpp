#include "measure/documents.hpp"

#include "base/text.hpp"
#include "codec/cbor.hpp"
#include "image/metadata.hpp"
#include "measure/boot.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

using codec::CborReader;
using codec::CborWriter;
using codec::Json;

constexpr std::uint64_t snp_version = 3;
constexpr std::uint64_t gcp_version = 1;
constexpr std::uint64_t aws_version = 1;
constexpr std::size_t max_cmdline = 4096;
constexpr std::size_t max_variant = 32;
constexpr std::size_t max_hob_witness = 2048;
constexpr std::size_t digest384 = sizeof(crypto::Sha384Digest);
constexpr std::size_t digest256 = sizeof(crypto::Sha256Digest);

Result<CborReader> reader_of(ByteView cbor)
{
  if (cbor.size() <= max_document) return CborReader{cbor};
  return fail(Errc::malformed, "{} bytes (limit {})", cbor.size(), max_document);
}

template <std::size_t N>
Result<std::array<std::uint8_t, N>> digest_member(CborReader& in, std::string_view key)
{
  TRY(in.key(key));
  return in.array_of<N>().within("{}", key);
}

Result<std::uint64_t> number_member(CborReader& in, std::string_view key)
{
  TRY(in.key(key));
  return in.number().within("{}", key);
}

/// The least and greatest version there are readers for.
Result<std::uint64_t> version_member(CborReader& in, std::uint64_t least, std::uint64_t greatest)
{
  const std::uint64_t found = TRY(number_member(in, "version"));
  if (found >= least && found <= greatest) return found;
  return fail(Errc::unsupported, "version {} (want {} to {})", found, least, greatest);
}

Status read_tdx_image(CborReader& in, TdxDocument& out)
{
  if (out.version == 3) {
    TRY(in.map(3));
    out.cmdline_event = TRY(digest_member<digest384>(in, "cmdline_sha384"));
    out.kernel_event = TRY(digest_member<digest384>(in, "kernel_authenticode"));
  } else {
    TRY(in.map(4));
    TRY(in.key("cmdline"));
    out.cmdline = TRY(in.text(max_cmdline).within("cmdline"));
    out.cmdline_event = cmdline_digest(out.cmdline);
    out.kernel_event = TRY(digest_member<digest384>(in, "kernel_authenticode"));
    TRY(in.key("kernel_header_normalized"));
    out.kernel_header_normalized = TRY(in.boolean().within("kernel_header_normalized"));
  }
  out.initrd_event = TRY(digest_member<digest384>(in, "initrd_sha384"));
  return ok();
}

Status read_tdvf(CborReader& in, TdxDocument& out)
{
  TRY(in.map(3));
  TRY(in.key("ovmf"));
  out.ovmf_variant = TRY(in.text(max_variant).within("ovmf"));
  TRY(in.key("mrtd"));
  TRY(in.map(2).within("mrtd"));
  out.mrtd_single_pass = TRY(digest_member<digest384>(in, "single_pass").within("mrtd"));
  out.mrtd_two_pass = TRY(digest_member<digest384>(in, "two_pass").within("mrtd"));
  TRY(in.key("td_hob"));
  out.td_hob = TRY(in.bytes(max_hob_witness).within("td_hob"));
  return ok();
}

Result<SnpSection> read_section(CborReader& in)
{
  SnpSection out;
  TRY(in.map(3));
  out.address = TRY(number_member(in, "gpa"));
  out.size = TRY(number_member(in, "size"));
  const std::uint64_t type = TRY(number_member(in, "type"));
  if (type > UINT32_MAX) return fail(Errc::malformed, "type {}", type);
  out.type = static_cast<std::uint32_t>(type);
  return out;
}

Result<SnpFirmware> read_firmware(CborReader& in, const crypto::Sha384Digest& digest)
{
  SnpFirmware out;
  out.digest = digest;
  out.hash_table_address = TRY(number_member(in, "hashes_table_gpa"));
  const std::uint64_t eip = TRY(number_member(in, "reset_eip"));
  if (eip > UINT32_MAX) return fail(Errc::malformed, "reset_eip {:#x}", eip);
  out.reset_eip = static_cast<std::uint32_t>(eip);
  TRY(in.key("ovmf_sections"));
  const std::size_t count = TRY(in.array(max_snp_sections).within("ovmf_sections"));
  for (std::size_t i = 0; i < count; ++i)
    out.sections.push_back(TRY(read_section(in).within("ovmf_sections[{}]", i)));
  return out;
}

} // namespace

Result<TdxDocument> parse_tdx_document(ByteView cbor)
{
  CborReader in = TRY(reader_of(cbor));
  TdxDocument out;
  TRY(in.map(3));
  out.version = TRY(version_member(in, 3, 4));
  TRY(in.key("image"));
  TRY(read_tdx_image(in, out).within("image"));
  TRY(in.key("tdvf"));
  TRY(read_tdvf(in, out).within("tdvf"));
  TRY(in.finish());
  return out;
}

Bytes write_document(const TdxDocument& document)
{
  CborWriter out;
  out.map(3).key("version").number(document.version).key("image");
  if (document.version == 3)
    out.map(3).key("cmdline_sha384").bytes(document.cmdline_event);
  else
    out.map(4).key("cmdline").text(document.cmdline);
  out.key("kernel_authenticode").bytes(document.kernel_event);
  if (document.version != 3)
    out.key("kernel_header_normalized").boolean(document.kernel_header_normalized);
  out.key("initrd_sha384").bytes(document.initrd_event);
  out.key("tdvf").map(3).key("ovmf").text(document.ovmf_variant);
  out.key("mrtd").map(2).key("single_pass").bytes(document.mrtd_single_pass);
  out.key("two_pass").bytes(document.mrtd_two_pass);
  return out.key("td_hob").bytes(document.td_hob).take();
}

Result<SnpImage> parse_snp_document(ByteView cbor)
{
  CborReader in = TRY(reader_of(cbor));
  SnpImage out;
  TRY(in.map(8));
  static_cast<void>(TRY(version_member(in, snp_version, snp_version)));
  TRY(in.key("cmdline"));
  out.cmdline = TRY(in.text(max_cmdline).within("cmdline"));
  const auto firmware = TRY(digest_member<digest384>(in, "ovmf_hash"));
  out.kernel = TRY(digest_member<digest256>(in, "kernel_hash"));
  out.initrd = TRY(digest_member<digest256>(in, "initrd_hash"));
  out.firmware = TRY(read_firmware(in, firmware));
  TRY(in.finish());
  return out;
}

Bytes write_document(const SnpImage& image)
{
  CborWriter out;
  out.map(8).key("version").number(snp_version).key("cmdline").text(image.cmdline);
  out.key("ovmf_hash").bytes(image.firmware.digest);
  out.key("kernel_hash").bytes(image.kernel);
  out.key("initrd_hash").bytes(image.initrd);
  out.key("hashes_table_gpa").number(image.firmware.hash_table_address);
  out.key("reset_eip").number(image.firmware.reset_eip);
  out.key("ovmf_sections").array(image.firmware.sections.size());
  for (const SnpSection& section : image.firmware.sections) {
    out.map(3).key("gpa").number(section.address).key("size").number(section.size);
    out.key("type").number(section.type);
  }
  return out.take();
}

Result<GcpDocument> parse_gcp_document(ByteView cbor)
{
  CborReader in = TRY(reader_of(cbor));
  TRY(in.map(2));
  static_cast<void>(TRY(version_member(in, gcp_version, gcp_version)));
  GcpDocument out;
  out.uki_authenticode = TRY(digest_member<digest256>(in, "uki_auth"));
  TRY(in.finish());
  return out;
}

Bytes write_document(const GcpDocument& document)
{
  CborWriter out;
  out.map(2).key("version").number(gcp_version);
  return out.key("uki_auth").bytes(document.uki_authenticode).take();
}

Result<AwsDocument> parse_aws_document(ByteView cbor)
{
  constexpr std::uint8_t one_member = 0xa1; // the head of a map
  CborReader in = TRY(reader_of(cbor));
  AwsDocument out;
  out.has_version = cbor.empty() || cbor.front() != one_member;
  TRY(in.map(out.has_version ? 2 : 1));
  if (out.has_version) static_cast<void>(TRY(version_member(in, aws_version, aws_version)));
  out.boot_pcr_digest = TRY(digest_member<digest256>(in, "boot_pcr_digest"));
  TRY(in.finish());
  return out;
}

Bytes write_document(const AwsDocument& document)
{
  CborWriter out;
  out.map(document.has_version ? 2 : 1);
  if (document.has_version) out.key("version").number(aws_version);
  return out.key("boot_pcr_digest").bytes(document.boot_pcr_digest).take();
}

Json to_json(const TdxDocument& document)
{
  Json out = Json::object().set("version", document.version);
  if (document.version != 3) out.set("cmdline", document.cmdline);
  out.set("cmdline_sha384", hex(document.cmdline_event));
  out.set("kernel_authenticode", hex(document.kernel_event));
  if (document.version != 3)
    out.set("kernel_header_normalized", document.kernel_header_normalized);
  return out.set("initrd_sha384", hex(document.initrd_event))
      .set("ovmf", document.ovmf_variant)
      .set("mrtd_single_pass", hex(document.mrtd_single_pass))
      .set("mrtd_two_pass", hex(document.mrtd_two_pass))
      .set("td_hob", hex(document.td_hob));
}

Json to_json(const SnpImage& image)
{
  Json sections = Json::array();
  for (const SnpSection& section : image.firmware.sections)
    sections.push(Json::object()
                      .set("gpa", section.address)
                      .set("size", section.size)
                      .set("type", section.type));
  return Json::object()
      .set("version", snp_version)
      .set("cmdline", image.cmdline)
      .set("ovmf_hash", hex(image.firmware.digest))
      .set("kernel_hash", hex(image.kernel))
      .set("initrd_hash", hex(image.initrd))
      .set("hashes_table_gpa", image.firmware.hash_table_address)
      .set("reset_eip", image.firmware.reset_eip)
      .set("ovmf_sections", std::move(sections));
}

Status check_binding(ByteView os_image_hash,
                     std::string_view checksum_file,
                     std::string_view name,
                     ByteView document)
{
  const auto image_hash = crypto::sha256(as_bytes(checksum_file));
  if (!equal(image_hash, os_image_hash))
    return fail(Errc::untrusted, "the checksum file hashes to {}, the OS image hash is {}",
                hex(image_hash), hex(os_image_hash));
  const auto files = TRY(image::parse_manifest(checksum_file).within("checksum file"));
  const auto file = std::find_if(files.begin(), files.end(),
                                 [&](const image::FileDigest& one) { return one.name == name; });
  if (file == files.end())
    return fail(Errc::untrusted, "the checksum file does not list {}", name);
  const auto digest = crypto::sha256(document);
  if (digest == file->sha256) return ok();
  return fail(Errc::untrusted, "{} hashes to {}, the checksum file says {}", name, hex(digest),
              hex(file->sha256));
}

} // namespace dstack::measure
