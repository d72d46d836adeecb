#include "dns/update.hpp"

#include <algorithm>

namespace dstack::dns {

namespace {

constexpr std::size_t max_file = 4096;

Result<TsigAlgorithm> parse_algorithm(std::string_view text)
{
  if (text == "hmac-sha256") return TsigAlgorithm::hmac_sha256;
  if (text == "hmac-sha512") return TsigAlgorithm::hmac_sha512;
  return fail(Errc::unsupported, "TSIG algorithm '{}': hmac-sha256 and hmac-sha512 are known",
              printable(text));
}

Result<TsigKey> make_key(std::string_view algorithm, std::string_view name, std::string_view secret)
{
  TsigKey out;
  out.algorithm = TRY(parse_algorithm(algorithm));
  out.name = name;
  static_cast<void>(TRY(wire_name(name).within("name of the key")));
  auto raw = parse_base64(secret);
  if (!raw || raw->empty()) return fail(Errc::malformed, "the secret is not in base64");
  out.key = SecretBytes{*std::move(raw)};
  return out;
}

/// Words of BIND's configuration, without what stands between them.
std::vector<std::string_view> words_of(std::string_view text)
{
  constexpr std::string_view between = " \t\r\n{};\"";
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto begin = text.find_first_not_of(between);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(between), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

} // namespace

Result<TsigKey> parse_tsig_key(std::string_view text)
{
  if (text.size() > max_file) return fail(Errc::malformed, "a TSIG key of {} bytes", text.size());
  const auto parts = split(trim(text), ':');
  if (parts.size() == 3) return make_key(parts[0], parts[1], parts[2]);
  const auto words = words_of(text);
  if (words.size() != 6 || words[0] != "key")
    return fail(Errc::malformed,
                "no TSIG key: wanted key \"NAME\" {{ algorithm hmac-sha256; secret "
                "\"BASE64\"; }}; or hmac-sha256:NAME:BASE64");
  if (words[2] == "algorithm" && words[4] == "secret")
    return make_key(words[3], words[1], words[5]);
  if (words[2] == "secret" && words[4] == "algorithm")
    return make_key(words[5], words[1], words[3]);
  return fail(Errc::malformed, "a TSIG key without algorithm or secret");
}

} // namespace dstack::dns
