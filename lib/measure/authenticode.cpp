#include "measure/authenticode.hpp"

#include <algorithm>

namespace dstack::measure {

namespace {

// Offsets of the PE format (Microsoft "PE Format").
constexpr std::size_t pe_offset_at = 0x3c; ///< in the DOS header
constexpr std::size_t signature_size = 4;
constexpr std::size_t coff_size = 20;
constexpr std::size_t section_size = 40;
constexpr std::size_t headers_size_at = 60; ///< from here on in the optional header
constexpr std::size_t checksum_at = 64;
constexpr std::size_t checksum_size = 4;
constexpr std::size_t directory_entry_size = 8;
constexpr std::size_t certificate_entry = 4; ///< index in the data directory
constexpr std::uint16_t magic_pe32 = 0x10b;
constexpr std::uint16_t magic_pe32_plus = 0x20b;

/// Part of the file, [begin, end).
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Layout {
  std::vector<Range> hashed{};
  std::size_t padding = 0; ///< zeros behind, to a multiple of 8
};

/// The first bytes as they are served, as many as headers may take.
Bytes served_headers(const ServedFile& pe)
{
  Bytes out = to_bytes(pe.head.first(std::min(pe.head.size(), max_pe_headers)));
  const std::size_t end = std::min(pe.file.size(), max_pe_headers);
  if (end > out.size()) {
    const ByteView more = pe.file.subspan(out.size(), end - out.size());
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

Result<ByteReader> at(ByteView headers, std::size_t offset, std::string_view what)
{
  ByteReader in{headers};
  TRY(in.take(offset).within("{}", what));
  return in;
}

struct Optional {
  std::size_t begin = 0;             ///< offset of the optional header
  std::size_t size = 0;              ///< as the COFF header has it
  std::size_t sections = 0;          ///< how many
  std::size_t headers_size = 0;      ///< SizeOfHeaders
  std::size_t certificate_field = 0; ///< offset of the directory's entry; 0: the image has none
  std::uint32_t certificate_size = 0;
};

Status read_directory(ByteView headers, Optional& out, bool plus)
{
  const std::size_t count_at = out.begin + (plus ? 108 : 92);
  auto in = TRY(at(headers, count_at, "PE data directory"));
  const std::uint32_t count = TRY(in.u32le().within("PE data directory"));
  if (count <= certificate_entry) return ok();
  const std::size_t field = count_at + 4 + certificate_entry * directory_entry_size;
  if (field + directory_entry_size > out.begin + out.size)
    return fail(Errc::malformed, "PE optional header of {} bytes lacks its data directory",
                out.size);
  auto entry = TRY(at(headers, field, "PE certificate table"));
  TRY(entry.u32le().within("PE certificate table")); // its place is the end of the file
  out.certificate_size = TRY(entry.u32le().within("PE certificate table"));
  out.certificate_field = field;
  return ok();
}

Result<Optional> read_optional(ByteView headers)
{
  if (headers.size() < 2 || as_text(headers.first(2)) != "MZ")
    return fail(Errc::malformed, "not a PE image: no MZ at its start");
  auto dos = TRY(at(headers, pe_offset_at, "PE offset"));
  const std::size_t pe = TRY(dos.u32le().within("PE offset"));
  auto in = TRY(at(headers, pe, "PE header"));
  if (as_text(TRY(in.take(signature_size).within("PE signature"))) != std::string_view{"PE\0\0", 4})
    return fail(Errc::malformed, "not a PE image: no PE signature at {}", pe);
  Optional out;
  TRY(in.u16le().within("PE machine"));
  out.sections = TRY(in.u16le().within("PE section count"));
  TRY(in.take(12).within("PE symbols"));
  out.size = TRY(in.u16le().within("PE optional header size"));
  TRY(in.u16le().within("PE characteristics"));
  out.begin = pe + signature_size + coff_size;
  const std::uint16_t magic = TRY(in.u16le().within("PE optional header"));
  if (magic != magic_pe32 && magic != magic_pe32_plus)
    return fail(Errc::malformed, "PE optional header with magic {:#x}", magic);
  if (out.size < checksum_at + checksum_size)
    return fail(Errc::malformed, "PE optional header of {} bytes", out.size);
  auto size = TRY(at(headers, out.begin + headers_size_at, "PE SizeOfHeaders"));
  out.headers_size = TRY(size.u32le().within("PE SizeOfHeaders"));
  TRY(read_directory(headers, out, magic == magic_pe32_plus));
  return out;
}

/// Raw data of the sections that have any, in the order of the file.
Result<std::vector<Range>> sections_of(ByteView headers, const Optional& optional, std::size_t size)
{
  if (optional.sections > max_pe_sections)
    return fail(Errc::malformed, "{} PE sections (limit {})", optional.sections, max_pe_sections);
  auto in = TRY(at(headers, optional.begin + optional.size, "PE sections"));
  std::vector<Range> out;
  for (std::size_t i = 0; i < optional.sections; ++i) {
    ByteReader section{TRY(in.take(section_size).within("PE section {}", i))};
    TRY(section.take(16));
    const std::size_t raw = TRY(section.u32le());
    const std::size_t begin = TRY(section.u32le());
    if (raw == 0) continue;
    if (begin > size)
      return fail(Errc::malformed, "PE section {} begins at {} of {} bytes", i, begin, size);
    out.push_back({begin, std::min(begin + raw, size)});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Range& a, const Range& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < out.size(); ++i)
    if (out[i].begin < out[i - 1].end)
      return fail(Errc::malformed, "PE sections overlap at {}", out[i].begin);
  return out;
}

/// What lies behind the sections, without the certificates at the very end.
Status add_trailing(const Optional& optional, std::size_t size, std::size_t hashed, Layout& out)
{
  const std::size_t certificates = optional.certificate_size;
  if (size <= hashed) return ok();
  if (certificates > size - hashed)
    return fail(Errc::malformed, "PE certificate table of {} bytes, {} behind the sections",
                certificates, size - hashed);
  if (certificates < size - hashed) out.hashed.push_back({hashed, size - certificates});
  return ok();
}

Result<Layout> layout_of(const ServedFile& pe)
{
  const std::size_t size = pe.file.size();
  if (size > max_pe_size)
    return fail(Errc::malformed, "PE image of {} bytes (limit {})", size, max_pe_size);
  if (pe.head.size() > size)
    return fail(Errc::malformed, "{} bytes served of a file of {}", pe.head.size(), size);
  const Bytes headers = served_headers(pe);
  const Optional optional = TRY(read_optional(headers));
  const std::size_t checksum = optional.begin + checksum_at;
  const std::size_t field = optional.certificate_field;
  const std::size_t least =
      field != 0 ? field + directory_entry_size : checksum + checksum_size;
  if (optional.headers_size < least || optional.headers_size > size)
    return fail(Errc::malformed, "PE headers of {} bytes in a file of {}", optional.headers_size,
                size);
  Layout out;
  out.hashed.push_back({0, checksum});
  if (field != 0) {
    out.hashed.push_back({checksum + checksum_size, field});
    out.hashed.push_back({field + directory_entry_size, optional.headers_size});
  } else {
    out.hashed.push_back({checksum + checksum_size, optional.headers_size});
  }
  std::size_t hashed = optional.headers_size;
  for (const Range& section : TRY(sections_of(headers, optional, size))) {
    out.hashed.push_back(section);
    hashed += section.end - section.begin;
  }
  TRY(add_trailing(optional, size, hashed, out));
  out.padding = (8 - size % 8) % 8;
  return out;
}

template <class Hash> Result<decltype(Hash{}.finish())> digest(const ServedFile& pe)
{
  const Layout layout = TRY(layout_of(pe));
  Hash hash;
  for (const Range& range : layout.hashed) {
    const std::size_t changed = std::clamp(pe.head.size(), range.begin, range.end);
    if (changed > range.begin)
      hash.update(pe.head.subspan(range.begin, changed - range.begin));
    hash.update(pe.file.subspan(changed, range.end - changed));
  }
  const std::array<std::uint8_t, 8> zeros{};
  hash.update(ByteView{zeros}.first(layout.padding));
  return hash.finish();
}

} // namespace

Result<crypto::Sha384Digest> authenticode_sha384(const ServedFile& pe)
{
  return digest<crypto::Sha384>(pe);
}

Result<crypto::Sha384Digest> authenticode_sha384(ByteView pe)
{
  return digest<crypto::Sha384>(ServedFile{{}, pe});
}

Result<crypto::Sha256Digest> authenticode_sha256(ByteView pe)
{
  return digest<crypto::Sha256>(ServedFile{{}, pe});
}

} // namespace dstack::measure
