#include "guest/cmdline.hpp"

#include "base/text.hpp"

namespace dstack::guest {

namespace {

constexpr std::size_t max_cmdline = 8192;
constexpr std::uint64_t verity_block = 4096;

/// Words of the command line; a double quote starts or ends a stretch in which blanks count.
std::vector<std::string> words_of(std::string_view text)
{
  std::vector<std::string> out;
  std::string word;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ' ' || c == '\n' || c == '\t')) {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

Result<std::string> need(const std::map<std::string, std::string>& words, const std::string& key)
{
  const auto at = words.find(key);
  if (at == words.end() || at->second.empty())
    return fail(Errc::not_found, "{} is missing from the kernel command line", key);
  return at->second;
}

} // namespace

Result<std::map<std::string, std::string>> parse_cmdline(std::string_view text)
{
  if (text.size() > max_cmdline)
    return fail(Errc::malformed, "kernel command line of {} bytes", text.size());
  std::map<std::string, std::string> out;
  for (const std::string& word : words_of(text)) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    const bool fresh = out.insert_or_assign(key, value).second;
    if (!fresh && key.starts_with("dstack."))
      return fail(Errc::malformed, "{} is given twice on the kernel command line", key);
  }
  return out;
}

Result<RootParameters> root_parameters(const std::map<std::string, std::string>& words)
{
  RootParameters out;
  const std::string hash = TRY(need(words, "dstack.rootfs_hash"));
  out.hash = TRY(parse_hex_array<32>(hash).within("dstack.rootfs_hash"));
  const std::string size = TRY(need(words, "dstack.rootfs_size"));
  out.size_bytes = TRY(parse_u64(size).within("dstack.rootfs_size"));
  if (out.size_bytes == 0 || out.size_bytes % verity_block != 0)
    return fail(Errc::malformed, "dstack.rootfs_size {} is no multiple of 4096", out.size_bytes);
  if (const auto at = words.find("dstack.rootfs_device"); at != words.end())
    out.device = at->second;
  if (partition_label(out.device).empty() && !out.device.starts_with("/dev/"))
    return fail(Errc::malformed, "dstack.rootfs_device \"{}\" (want PARTLABEL=… or /dev/…)",
                printable(out.device));
  return out;
}

std::string_view partition_label(std::string_view device)
{
  constexpr std::string_view prefix = "PARTLABEL=";
  return device.starts_with(prefix) ? device.substr(prefix.size()) : std::string_view{};
}

} // namespace dstack::guest
