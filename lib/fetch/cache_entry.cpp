#include "fetch/cache_entry.hpp"

#include "crypto/hash.hpp"

namespace dstack::fetch {

namespace {

// Layout, integers little-endian: magic, u64 fetched_at in ms, then texts (u32 length, bytes):
// base, url, u32 number of headers, name and value of each, body; SHA-256 of all of it at the end.
constexpr std::string_view magic = "dstack collateral entry 1\n";
constexpr std::size_t digest_size = 32;
constexpr std::uint32_t max_headers = 8;

void put_text(ByteWriter& out, std::string_view text)
{
  out.u32le(static_cast<std::uint32_t>(text.size())).text(text);
}

Result<std::string> take_text(ByteReader& in)
{
  const std::uint32_t size = TRY(in.u32le());
  return to_text(TRY(in.take(size)));
}

Result<CacheEntry> read_entry(ByteReader& in)
{
  if (as_text(TRY(in.take(magic.size()))) != magic) return fail(Errc::malformed, "another format");
  CacheEntry out;
  out.fetched_at.ms = static_cast<std::int64_t>(TRY(in.u64le()));
  out.base = TRY(take_text(in));
  out.url = TRY(take_text(in));
  const std::uint32_t headers = TRY(in.u32le());
  if (headers > max_headers) return fail(Errc::malformed, "{} headers", headers);
  for (std::uint32_t i = 0; i < headers; ++i) {
    http::Header header;
    header.name = TRY(take_text(in));
    header.value = TRY(take_text(in));
    out.headers.push_back(std::move(header));
  }
  out.body = TRY(take_text(in));
  TRY(in.finish());
  return out;
}

} // namespace

Bytes write_cache_entry(const CacheEntry& entry)
{
  DSTACK_ASSERT(entry.headers.size() <= max_headers);
  ByteWriter out;
  out.text(magic).u64le(static_cast<std::uint64_t>(entry.fetched_at.ms));
  put_text(out, entry.base);
  put_text(out, entry.url);
  out.u32le(static_cast<std::uint32_t>(entry.headers.size()));
  for (const http::Header& header : entry.headers) {
    put_text(out, header.name);
    put_text(out, header.value);
  }
  put_text(out, entry.body);
  const auto digest = crypto::sha256(out.bytes());
  return out.put(digest).take();
}

Result<CacheEntry> parse_cache_entry(ByteView file)
{
  if (file.size() < digest_size || file.size() > max_cache_entry)
    return fail(Errc::malformed, "cache entry of {} bytes", file.size());
  const ByteView content = file.first(file.size() - digest_size);
  if (!equal(crypto::sha256(content), file.last(digest_size)))
    return fail(Errc::malformed, "cache entry does not match its hash");
  ByteReader in{content};
  return read_entry(in).within("cache entry");
}

std::string cache_key(std::string_view base, std::string_view url)
{
  ByteWriter key;
  put_text(key, base);
  put_text(key, url);
  return hex(crypto::sha256(key.bytes()));
}

} // namespace dstack::fetch
