#include "transparency/check.hpp"

#include "base/text.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"
#include "x509/request.hpp"

#include <algorithm>

namespace dstack::transparency {

namespace {

using codec::Json;

constexpr std::size_t max_certificates = 1000; // in one file
constexpr std::size_t max_names = 1000;

std::vector<std::string> names_of(std::string_view lines)
{
  std::vector<std::string> out;
  for (const std::string_view line : split(lines, '\n'))
    if (!trim(line).empty() && out.size() < max_names) out.push_back(printable(lower(trim(line))));
  return out;
}

Result<FeedEntry> parse_entry(const Json& item)
{
  FeedEntry out;
  out.id = TRY(item.need_u64("id"));
  out.logged_at = printable(TRY(item.get_string("entry_timestamp", "")));
  out.names = names_of(TRY(item.get_string("name_value", "")));
  return out;
}

Result<SeenCertificate> read_one(std::string_view source, ByteView der)
{
  const auto read = TRY(x509::read_certificate(der));
  SeenCertificate out;
  out.source = source;
  out.names = TRY(x509::dns_names_of(der));
  out.spki = read.spki;
  out.subject = read.subject;
  out.not_before = read.not_before;
  out.not_after = read.not_after;
  return out;
}

} // namespace

Result<std::vector<FeedEntry>> parse_feed(std::string_view json)
{
  const codec::JsonLimits limits{max_feed, 8, 1'000'000};
  const Json all = TRY(codec::parse_json(json, limits));
  if (!all.is_array()) return fail(Errc::malformed, "not a list");
  const auto& items = all.items();
  if (items.size() > max_entries)
    return fail(Errc::malformed, "{} entries (at most {})", items.size(), max_entries);
  std::vector<FeedEntry> out;
  for (std::size_t i = 0; i < items.size(); ++i)
    out.push_back(TRY(parse_entry(items[i]).within("entry {}", i + 1)));
  std::sort(out.begin(), out.end(),
            [](const FeedEntry& a, const FeedEntry& b) { return a.id > b.id; });
  return out;
}

bool is_of_domain(std::string_view name, std::string_view domain)
{
  const std::string one = lower(name.starts_with("*.") ? name.substr(2) : name);
  const std::string of = lower(domain);
  return one == of || one.ends_with("." + of);
}

Result<std::vector<SeenCertificate>>
read_seen(std::string_view source, ByteView file, std::string_view domain)
{
  std::vector<Bytes> all;
  if (trim(as_text(file)).starts_with("-----BEGIN"))
    all = TRY(x509::certificates_of_pem(as_text(file), max_certificates));
  else
    all.push_back(to_bytes(file));
  std::vector<SeenCertificate> out;
  for (const Bytes& der : all) {
    SeenCertificate one = TRY(read_one(source, der));
    if (std::any_of(one.names.begin(), one.names.end(),
                    [&](const std::string& name) { return is_of_domain(name, domain); }))
      out.push_back(std::move(one));
  }
  return out;
}

std::array<std::uint8_t, 32> key_hash(ByteView spki)
{
  return crypto::sha256(spki);
}

Comparison compare(std::vector<SeenCertificate> seen,
                   const std::set<std::array<std::uint8_t, 32>>& keys)
{
  Comparison out;
  for (SeenCertificate& one : seen)
    (keys.contains(key_hash(one.spki)) ? out.known : out.unknown).push_back(std::move(one));
  return out;
}

} // namespace dstack::transparency
