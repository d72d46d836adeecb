#include "measure/boot_events.hpp"

#include "base/text.hpp"

namespace dstack::measure {

namespace {

/// As stored: the first three groups little-endian.
using Guid = std::array<std::uint8_t, 16>;
/// 8be4df61-93ca-11d2-aa0d-00e098032b8c, EFI_GLOBAL_VARIABLE.
constexpr Guid global_variable{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                               0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
/// d719b2cb-3d3a-4596-a3bc-dad00e67656f, EFI_IMAGE_SECURITY_DATABASE.
constexpr Guid security_database{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};
/// 7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1, OVMF's DXE volume, and 462caa21-7614-4503-836e-
/// 8ab6f4662331, edk2's UiApp in it.
constexpr Guid dxe_volume{0xc9, 0xbd, 0xb8, 0x7c, 0xeb, 0xf8, 0x34, 0x4f,
                          0xaa, 0xea, 0x3e, 0xe4, 0xaf, 0x65, 0x16, 0xa1};
constexpr Guid ui_app{0x21, 0xaa, 0x2c, 0x46, 0x14, 0x76, 0x03, 0x45,
                      0x83, 0x6e, 0x8a, 0xb6, 0xf4, 0x66, 0x23, 0x31};

constexpr std::uint32_t section_cfv = 1;

void utf16(ByteWriter& out, std::string_view text)
{
  for (const char c : text)
    out.u16le(static_cast<unsigned char>(c));
}

/// UEFI_VARIABLE_DATA of a variable that does not exist (TCG PC Client Platform Firmware Profile).
crypto::Sha384Digest empty_variable(const Guid& vendor, std::string_view name)
{
  ByteWriter out;
  out.put(vendor).u64le(name.size()).u64le(0);
  utf16(out, name);
  return crypto::sha384(out.bytes());
}

/// A node of a device path of type media (UEFI 2.10, 10.3.5.6 and 10.3.5.7).
void media_node(ByteWriter& out, std::uint8_t subtype, const Guid& guid)
{
  constexpr std::uint8_t media = 4;
  out.u8(media).u8(subtype).u16le(4 + 16).put(guid);
}

/// EFI_LOAD_OPTION of UiApp, which the boot manager adds itself (UEFI 2.10, 3.1.3).
crypto::Sha384Digest ui_app_option()
{
  constexpr std::uint32_t active_hidden_app = 0x109;
  constexpr std::uint8_t firmware_file = 6;
  constexpr std::uint8_t firmware_volume = 7;
  ByteWriter path;
  media_node(path, firmware_volume, dxe_volume);
  media_node(path, firmware_file, ui_app);
  path.u8(0x7f).u8(0xff).u16le(4); // end of the path
  ByteWriter out;
  out.u32le(active_hidden_app).u16le(static_cast<std::uint16_t>(path.size()));
  utf16(out, "UiApp");
  return crypto::sha384(out.u16le(0).put(path.bytes()).bytes());
}

crypto::Sha384Digest separator()
{
  const std::array<std::uint8_t, 4> zeros{};
  return crypto::sha384(zeros);
}

/// The order is one entry: Boot0000.
crypto::Sha384Digest boot_order()
{
  const std::array<std::uint8_t, 2> first{};
  return crypto::sha384(first);
}

crypto::Sha384Digest of_text(std::string_view text)
{
  return crypto::sha384(as_bytes(text));
}

} // namespace

Status check_ovmf_variant(std::string_view variant)
{
  if (variant.empty() || variant == known_ovmf_variant) return ok();
  return fail(Errc::unsupported,
              "firmware of layout '{}': only the registers of '{}' can be predicted",
              printable(variant), known_ovmf_variant);
}

std::vector<BootEvent> rtmr0_events(const Rtmr0Digests& digests)
{
  return {{"td-hob", digests.td_hob},
          {"cfv", digests.cfv},
          {"SecureBoot", empty_variable(global_variable, "SecureBoot")},
          {"PK", empty_variable(global_variable, "PK")},
          {"KEK", empty_variable(global_variable, "KEK")},
          {"db", empty_variable(security_database, "db")},
          {"dbx", empty_variable(security_database, "dbx")},
          {"separator", separator()},
          {"acpi-loader", digests.acpi_loader},
          {"acpi-rsdp", digests.acpi_rsdp},
          {"acpi-tables", digests.acpi_tables},
          {"BootOrder", boot_order()},
          {"Boot0000", ui_app_option()}};
}

std::vector<BootEvent> rtmr1_events(const crypto::Sha384Digest& kernel)
{
  return {{"kernel", kernel},
          {"boot-application", of_text("Calling EFI Application from Boot Option")},
          {"separator", separator()},
          {"exit-boot-services", of_text("Exit Boot Services Invocation")},
          {"exit-returned", of_text("Exit Boot Services Returned with Success")}};
}

crypto::Sha384Digest cmdline_digest(std::string_view cmdline)
{
  ByteWriter out;
  utf16(out, fmt::format("{} initrd=initrd", cmdline));
  return crypto::sha384(out.u16le(0).bytes());
}

std::vector<BootEvent> rtmr2_events(const crypto::Sha384Digest& cmdline,
                                    const crypto::Sha384Digest& initrd)
{
  return {{"cmdline", cmdline}, {"initrd", initrd}};
}

crypto::Sha384Digest replay(const std::vector<BootEvent>& events)
{
  attest::Register out;
  for (const BootEvent& event : events)
    out.extend(event.digest);
  return out.value();
}

Result<crypto::Sha384Digest> cfv_digest(ByteView firmware,
                                        const std::vector<TdvfSection>& sections)
{
  for (const TdvfSection& section : sections)
    if (section.type == section_cfv) {
      if (section.data_offset > firmware.size() ||
          section.raw_size > firmware.size() - section.data_offset)
        return fail(Errc::malformed, "configuration volume lies outside the firmware");
      return crypto::sha384(firmware.subspan(section.data_offset, section.raw_size));
    }
  return fail(Errc::unsupported, "firmware without a configuration volume");
}

crypto::Sha384Digest published_cfv_digest()
{
  constexpr std::string_view digest = "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d"
                                      "95e6412af21c097d473155875ffd561d6790";
  auto bytes = parse_hex_array<48>(digest);
  DSTACK_ASSERT(bytes);
  return *bytes;
}

} // namespace dstack::measure
