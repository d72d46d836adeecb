#include "image/metadata.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"
#include "image/verity.hpp"

#include <algorithm>

namespace dstack::image {

namespace {

constexpr std::string_view hash_word = "dstack.rootfs_hash=";
constexpr std::string_view size_word = "dstack.rootfs_size=";

Result<std::string> file_name(const codec::Json& root, std::string_view key)
{
  const std::string name = TRY(root.need_string(key));
  TRY(check_name(name).within("\"{}\"", key));
  return name;
}

std::string version_of(std::string_view directory_name)
{
  const std::size_t digit = directory_name.find_first_of("0123456789");
  return digit == std::string_view::npos ? "" : std::string{directory_name.substr(digit)};
}

/// The value of the one word with this prefix.
Result<std::string_view> only_word(std::string_view cmdline, std::string_view prefix)
{
  std::string_view found;
  for (const std::string_view word : split(cmdline, ' ')) {
    if (!word.starts_with(prefix)) continue;
    if (!found.empty()) return fail(Errc::malformed, "{} is given twice", prefix);
    found = word.substr(prefix.size());
  }
  if (found.empty()) return fail(Errc::malformed, "the kernel command line has no {}", prefix);
  return found;
}

} // namespace

std::string write_metadata(const Metadata& m)
{
  codec::Json root = codec::Json::object();
  root.set("bios", m.bios);
  if (!m.bios_sev.empty()) root.set("bios-sev", m.bios_sev);
  root.set("kernel", m.kernel).set("cmdline", m.cmdline).set("initrd", m.initrd);
  root.set("rootfs", m.rootfs).set("version", m.version).set("git_revision", m.git_revision);
  root.set("shared_ro", m.shared_ro).set("is_dev", m.is_dev);
  if (!m.ovmf_variant.empty()) root.set("ovmf_variant", m.ovmf_variant);
  if (m.kernel_header_normalized) root.set("kernel_header_normalized", true);
  codec::JsonStyle style;
  style.indent = 4;
  return codec::write_json(root, style) + "\n";
}

Result<Metadata> parse_metadata(std::string_view text, std::string_view directory_name)
{
  if (text.size() > max_metadata) return fail(Errc::malformed, "{} bytes", text.size());
  const codec::Json root = TRY(codec::parse_json(text));
  if (!root.is_object()) return fail(Errc::malformed, "no JSON object");
  Metadata out;
  out.bios = TRY(file_name(root, "bios"));
  if (root.find("bios-sev") != nullptr) out.bios_sev = TRY(file_name(root, "bios-sev"));
  out.kernel = TRY(file_name(root, "kernel"));
  out.initrd = TRY(file_name(root, "initrd"));
  out.rootfs = TRY(file_name(root, "rootfs"));
  out.cmdline = TRY(root.need_string("cmdline"));
  out.version = TRY(root.get_string("version", version_of(directory_name)));
  out.git_revision = TRY(root.get_string("git_revision", ""));
  out.shared_ro = TRY(root.get_bool("shared_ro", false));
  out.is_dev = TRY(root.get_bool("is_dev", false));
  out.ovmf_variant = TRY(root.get_string("ovmf_variant", ""));
  out.kernel_header_normalized = TRY(root.get_bool("kernel_header_normalized", false));
  return out;
}

std::string write_manifest(const std::vector<FileDigest>& files)
{
  std::string out;
  for (const FileDigest& file : files)
    out += fmt::format("{}  {}\n", hex(file.sha256), file.name);
  return out;
}

Result<std::vector<FileDigest>> parse_manifest(std::string_view text)
{
  constexpr std::size_t digest_digits = 64;
  if (text.size() > max_manifest) return fail(Errc::malformed, "{} bytes", text.size());
  if (!text.ends_with('\n')) return fail(Errc::malformed, "no newline at the end");
  std::vector<FileDigest> out;
  text.remove_suffix(1);
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t number = out.size() + 1;
    if (line.size() < digest_digits + 3 || line.substr(digest_digits, 2) != "  ")
      return fail(Errc::malformed, "line {} is not \"<64 hex digits>  <file>\"", number);
    FileDigest file;
    file.sha256 = TRY(parse_hex_array<32>(line.substr(0, digest_digits)).within("line {}", number));
    file.name = std::string{line.substr(digest_digits + 2)};
    TRY(check_name(file.name).within("line {}", number));
    if (hex(file.sha256) != line.substr(0, digest_digits))
      return fail(Errc::malformed, "line {}: digest in upper case", number);
    if (std::any_of(out.begin(), out.end(), [&](const auto& o) { return o.name == file.name; }))
      return fail(Errc::malformed, "line {}: {} for the second time", number, file.name);
    out.push_back(std::move(file));
  }
  return out;
}

std::string image_hash(std::string_view manifest_text)
{
  return hex(crypto::sha256(as_bytes(manifest_text)));
}

Status check_name(std::string_view name)
{
  constexpr std::size_t longest = 64;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  if (name.empty() || name.size() > longest || !std::all_of(name.begin(), name.end(), allowed) ||
      name.front() == '-' || name == "." || name.find("..") != std::string_view::npos)
    return fail(Errc::malformed, "\"{}\" is no plain name (letters, digits, \"_.-\", up to {})",
                printable(name), longest);
  return ok();
}

Result<RootParameters> root_parameters(std::string_view cmdline)
{
  RootParameters out;
  out.hash = TRY(parse_hex_array<32>(TRY(only_word(cmdline, hash_word))).within("{}", hash_word));
  out.size_bytes = TRY(parse_u64(TRY(only_word(cmdline, size_word))).within("{}", size_word));
  if (out.size_bytes == 0 || out.size_bytes % verity_block_size != 0)
    return fail(Errc::malformed, "{}{} is no multiple of {}", size_word, out.size_bytes,
                verity_block_size);
  return out;
}

} // namespace dstack::image
