#include "guest/luks_header.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

using namespace std::string_view_literals;

namespace dstack::guest {

namespace {

constexpr std::size_t header_size = 16384;

/// Headers written by cryptsetup 2.6.1 (tests/vectors/luks/SOURCES.md).
Bytes sample()
{
  std::ifstream file(DSTACK_SOURCE_DIR "/tests/vectors/luks/luks2-header.bin", std::ios::binary);
  REQUIRE(file.is_open());
  return Bytes{std::istreambuf_iterator<char>{file}, {}};
}

/// The sample with a piece of JSON replaced in the copies chosen; the JSON may change its length.
Bytes with_json(std::string_view from, std::string_view to, std::size_t first = 0)
{
  Bytes out = sample();
  for (std::size_t copy = first; copy < 2; ++copy) {
    const auto at = out.begin() + static_cast<std::ptrdiff_t>(copy * header_size + 4096);
    std::string json{at, at + 12288};
    json.resize(json.find('\0'));
    const std::size_t where = json.find(from);
    REQUIRE(where != std::string::npos);
    json.replace(where, from.size(), to);
    json.resize(12288, '\0');
    std::copy(json.begin(), json.end(), at);
  }
  return out;
}

Bytes with_byte(std::size_t at, std::uint8_t value)
{
  Bytes out = sample();
  out.at(at) = value;
  return out;
}

std::string reason(const Bytes& header)
{
  const Status result = check_luks_header(header);
  return result ? "" : result.error().message();
}

} // namespace

TEST_SUITE("guest::check_luks_header")
{
  TEST_CASE("what cryptsetup writes with our parameters is accepted")
  {
    CHECK(reason(sample()).empty());
    CHECK(has_luks_magic(sample()));
    CHECK_FALSE(has_luks_magic(Bytes(4096)));
  }

  TEST_CASE("every truncation is refused")
  {
    const Bytes good = sample();
    for (std::size_t n = 0; n < good.size(); n += n < 600 ? 1 : 97) {
      CAPTURE(n);
      CHECK_FALSE(check_luks_header(ByteView{good}.first(n)));
    }
  }

  TEST_CASE("every check of the binary part refuses, in either copy")
  {
    const std::pair<std::size_t, std::string_view> fields[] = {
        {0, "magic"},       {6, "version"},      {8, "hdr_size"},     {24, "label"},
        {71, "label"},      {72, "csum_alg"},    {80, "csum_alg"},    {208, "subsystem"},
        {255, "subsystem"}, {256, "hdr_offset"}, {263, "hdr_offset"},
    };
    for (const auto& [at, name] : fields)
      for (const std::size_t copy : {std::size_t{0}, header_size}) {
        CAPTURE(at);
        CAPTURE(copy);
        CHECK(reason(with_byte(copy + at, 0x21)).find(name) != std::string::npos);
      }
    CHECK(reason(with_byte(7, 1)).find("version") != std::string::npos);
    CHECK(reason(with_byte(14, 0x0f)).find("hdr_size") != std::string::npos);
  }

  TEST_CASE("trap 10: every check of the JSON refuses, also when only the second copy is wrong")
  {
    const std::tuple<std::string_view, std::string_view, std::string_view> changes[] = {
        {R"("tokens":{})", R"("tokens":{"0":{"type":"x"}})", "tokens"},
        {R"("keyslots_size")", R"("flags":["allow-discards"],"keyslots_size")", "config"},
        {R"("keyslots_size")", R"("requirements":{"mandatory":["x"]},"keyslots_size")", "config"},
        {R"({"keyslots":{"0")", R"({"keyslots":{"1")", "keyslots"},
        {R"({"keyslots":{)", R"({"keyslots":{"1":{},)", "keyslots"},
        {R"("type":"luks2","key_size":64)", R"("type":"luks1","key_size":64)", "type"},
        {R"("type":"luks2","key_size":64)", R"("type":"luks2","key_size":32)", "key_size"},
        {R"("type":"luks2",)", R"("type":"luks2","priority":2,)", "priority"},
        {R"("type":"luks1")", R"("type":"luks2")", "type"},
        {R"("stripes":4000)", R"("stripes":1)", "stripes"},
        {R"("hash":"sha256"},"area")", R"("hash":"sha1"},"area")", "hash"},
        {R"("type":"raw")", R"("type":"none")", "type"},
        {R"("offset":"32768")", R"("offset":"32767")", "area"},
        {R"("offset":"32768")", R"("offset":"16777217")", "area"},
        {R"("offset":"32768")", R"("offset":"18446744073709551615")", "area"},
        {R"("offset":"32768")", R"("offset":"-1")", "offset"},
        {R"("size":"258048")", R"("size":"16744449")", "area"},
        {R"("encryption":"aes-xts-plain64","key_size":64},"kdf")",
         R"("encryption":"cipher_null-ecb","key_size":64},"kdf")", "keyslot"},
        {R"("key_size":64},"kdf")", R"("key_size":16},"kdf")", "key_size"},
        {R"("kdf":{"type":"pbkdf2")", R"("kdf":{"type":"argon2id")", "type"},
        {R"("kdf":{"type":"pbkdf2","hash":"sha256")", R"("kdf":{"type":"pbkdf2","hash":"md5")",
         "hash"},
        {R"("segments":{"0")", R"("segments":{"1")", "segments"},
        {R"("segments":{)", R"("segments":{"1":{},)", "segments"},
        {R"("type":"crypt")", R"("type":"linear")", "type"},
        {R"("offset":"16777216")", R"("offset":"16777728")", "offset"},
        {R"("size":"dynamic")", R"("size":"1048576")", "size"},
        {R"("iv_tweak":"0")", R"("iv_tweak":"1")", "iv_tweak"},
        {R"("encryption":"aes-xts-plain64","sector_size")",
         R"("encryption":"cipher_null-ecb","sector_size")", "encryption"},
        {R"("sector_size":512)", R"("sector_size":4096)", "sector_size"},
        {R"("sector_size":512)", R"("sector_size":512,"integrity":{})", "integrity"},
        {R"("sector_size":512)", R"("sector_size":512,"flags":["backup-final"])", "flags"},
        {R"("digests":{"0")", R"("digests":{"1")", "digests"},
        {R"("digests":{)", R"("digests":{"1":{},)", "digests"},
        {R"("digests":{"0":{"type":"pbkdf2")", R"("digests":{"0":{"type":"x")", "type"},
        {R"("keyslots":["0"])", R"("keyslots":[])", "keyslots"},
        {R"("keyslots":["0"])", R"("keyslots":["0","1"])", "keyslots"},
        {R"("segments":["0"])", R"("segments":["1"])", "segments"},
        {R"("segments":["0"],"hash":"sha256")", R"("segments":["0"],"hash":"sha1")", "hash"},
        {R"({"keyslots")", R"({"extra":0,"keyslots")", "extra"},
        {R"("tokens":{},)", "", "tokens"},
        {R"({"keyslots")", R"({,"keyslots")", "header"},
    };
    for (const auto& [from, to, where] : changes) {
      CAPTURE(from);
      CAPTURE(to);
      const std::string both = reason(with_json(from, to));
      CHECK(both.find(where) != std::string::npos);
      CHECK(both.starts_with("first LUKS2 header"));
      CHECK(reason(with_json(from, to, 1)).starts_with("second LUKS2 header"));
    }
  }

  TEST_CASE("salts and iteration counts are free")
  {
    CHECK(reason(with_json(R"("iterations":1000)", R"("iterations":2000000)")).empty());
    CHECK(reason(with_json(R"("salt":"0+07)", R"("salt":"AAAA)")).empty());
  }

  TEST_CASE("a JSON area that never ends is refused")
  {
    Bytes endless = sample();
    std::fill(endless.begin() + 4096, endless.begin() + header_size, std::uint8_t{' '});
    CHECK(reason(endless).find("without an end") != std::string::npos);
  }
}

} // namespace dstack::guest
