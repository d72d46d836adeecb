#include "fetch/collateral_cache.hpp"
#include "fetch/issuer_chain.hpp"

#include "crypto/hash.hpp"
#include "dcap/anchor.hpp"
#include "http/message.hpp"
#include "sys/test_directory.hpp"
#include "x509/certificate.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace dstack::fetch {
namespace {

CacheEntry sample()
{
  return {
      "https://h", "https://h/x?y=1", Time{1'700'000'000'123}, {{"a", "b"}, {"c", ""}}, "body\0!"};
}

/// The bytes with the hash at their end made right again.
Bytes sealed(Bytes content)
{
  const auto digest = crypto::sha256(content);
  content.insert(content.end(), digest.begin(), digest.end());
  return content;
}

std::string root_pem()
{
  return x509::to_pem(dcap::intel_root_der());
}

} // namespace

TEST_SUITE("fetch::cache_entry")
{
  TEST_CASE("what was written is read, and nothing else is")
  {
    const Bytes good = write_cache_entry(sample());
    const auto back = parse_cache_entry(good);
    REQUIRE(back);
    CHECK(back->url == sample().url);
    CHECK(back->fetched_at == sample().fetched_at);
    CHECK(back->headers.size() == 2);
    CHECK(back->body == sample().body);
    for (std::size_t n = 0; n < good.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(parse_cache_entry(ByteView{good}.first(n)));
      Bytes changed = good;
      changed[n] = static_cast<std::uint8_t>(changed[n] ^ 1U);
      CHECK_FALSE(parse_cache_entry(changed));
    }
    CHECK_FALSE(parse_cache_entry(concat({good, as_bytes("x")})));
  }

  TEST_CASE("lengths that lie are refused though the hash is right")
  {
    const Bytes good = write_cache_entry(sample());
    const Bytes content{good.begin(), good.end() - 32};
    REQUIRE(parse_cache_entry(sealed(content)));
    for (std::size_t n = 0; n < content.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(parse_cache_entry(
          sealed({content.begin(), content.begin() + static_cast<std::ptrdiff_t>(n)})));
    }
    Bytes longer = content;
    longer.push_back(0);
    CHECK_FALSE(parse_cache_entry(sealed(longer)));
  }

  TEST_CASE("the key tells where one part ends and the next begins")
  {
    CHECK(cache_key("https://h", "/x") != cache_key("https://h/", "x"));
    CHECK(cache_key("a", "b").size() == 64);
  }
}

TEST_SUITE("fetch::collateral_cache")
{
  TEST_CASE("an entry is found by its service and address only")
  {
    const sys::TestDirectory place;
    const CollateralCache cache{place.path / "deep" / "er"};
    CHECK_FALSE(cache.find("https://h", "https://h/x?y=1").has_value());
    REQUIRE(cache.store(sample()));
    CHECK(cache.find("https://h", "https://h/x?y=1")->body == sample().body);
    CHECK_FALSE(cache.find("https://h", "https://h/x?y=2").has_value());
    CHECK_FALSE(cache.find("https://g", "https://h/x?y=1").has_value());
    CHECK(cache.list().size() == 1);
    cache.forget("https://h", "https://h/x?y=1");
    CHECK(cache.list().empty());
  }

  TEST_CASE("another's entry under this name is removed, not used")
  {
    const sys::TestDirectory place;
    const CollateralCache cache{place.path};
    REQUIRE(cache.store(sample()));
    const auto other = place.path / cache_key("https://h", "https://h/z");
    sys::fs::copy_file(place.path / cache_key("https://h", sample().url), other);
    CHECK_FALSE(cache.find("https://h", "https://h/z").has_value());
    CHECK_FALSE(sys::fs::exists(other));
  }

  TEST_CASE("the directory does not grow without end; the oldest entries go")
  {
    const sys::TestDirectory place;
    const CollateralCache cache{place.path};
    CacheEntry entry = sample();
    entry.body.assign(std::size_t{4} << 20U, 'x');
    for (int i = 0; i < 66; ++i) {
      entry.url = fmt::format("https://h/{}", i);
      REQUIRE(cache.store(entry));
    }
    CHECK(cache.list().size() == 63); // 256 MiB, entries being a little over 4
    CHECK_FALSE(cache.find("https://h", "https://h/0").has_value());
    CHECK(cache.find("https://h", "https://h/65").has_value());
    entry.body.assign(std::size_t{5} << 20U, 'x');
    CHECK_FALSE(cache.store(entry));
  }
}

TEST_SUITE("fetch::decode_chain_header")
{
  TEST_CASE("percent-encoded PEM comes back byte for byte, whatever was encoded")
  {
    const std::string pem = root_pem() + root_pem();
    CHECK(*decode_chain_header(http::percent_encode(pem)) == pem);
    std::string all;
    for (const char c : pem)
      all += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    CHECK(*decode_chain_header(all) == pem);
    std::string needed; // a plus is a plus
    for (const char c : pem)
      needed += c == '\n' ? std::string{"%0A"} : std::string{c};
    CHECK(needed.find('+') != std::string::npos);
    CHECK(*decode_chain_header(needed) == pem);
  }

  TEST_CASE("what is no chain of certificates is refused")
  {
    const std::string good = http::percent_encode(root_pem());
    REQUIRE(decode_chain_header(good));
    CHECK_FALSE(decode_chain_header(""));
    CHECK_FALSE(decode_chain_header("%"));
    CHECK_FALSE(decode_chain_header(good + "%"));
    CHECK_FALSE(decode_chain_header(good + "%0"));
    CHECK_FALSE(decode_chain_header(good + "%zz"));
    CHECK_FALSE(decode_chain_header(good + "%0x"));
    CHECK_FALSE(decode_chain_header(good + "text"));
    CHECK_FALSE(decode_chain_header("%0A"));
    std::string nine;
    for (int i = 0; i < 9; ++i)
      nine += good;
    CHECK_FALSE(decode_chain_header(nine));
    CHECK_FALSE(decode_chain_header(std::string(max_chain_header + 1, '%')));
    for (std::size_t n = 0; n + 8 < good.size(); ++n)
      CHECK_FALSE(decode_chain_header(std::string_view{good}.substr(0, n)));
  }
}

} // namespace dstack::fetch
