#include "measure/authenticode.hpp"

#include "measure/made_pe.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

constexpr std::size_t checksum_at = 0x40 + 24 + 64;
constexpr std::size_t certificate_at = 0x40 + 24 + 112 + 4 * 8;

/// The pieces of [begin, end) pairs, and zeros behind.
Bytes pieces(const Bytes& file,
             std::initializer_list<std::pair<std::size_t, std::size_t>> ranges,
             std::size_t zeros = 0)
{
  Bytes out;
  for (const auto& [begin, end] : ranges)
    out.insert(out.end(), file.begin() + static_cast<std::ptrdiff_t>(begin),
               file.begin() + static_cast<std::ptrdiff_t>(end));
  out.resize(out.size() + zeros, 0);
  return out;
}

Bytes with(Bytes file, std::size_t offset, std::uint32_t value)
{
  put_at(file, offset, ByteWriter{}.u32le(value).bytes());
  return file;
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("Authenticode leaves out checksum, certificate entry and certificates")
  {
    const Bytes file = made_pe();
    const Bytes hashed = pieces(file, {{0, checksum_at},
                                       {checksum_at + 4, certificate_at},
                                       {certificate_at + 8, 0x708}});
    CHECK(*authenticode_sha384(file) == crypto::sha384(hashed));
    CHECK(*authenticode_sha256(file) == crypto::sha256(hashed));
    CHECK(*authenticode_sha384(with(file, checksum_at, 7)) == crypto::sha384(hashed));
    CHECK(*authenticode_sha384(with(file, 0x710, 7)) == crypto::sha384(hashed));
    CHECK(*authenticode_sha384(with(file, 0x700, 7)) != crypto::sha384(hashed));
  }

  TEST_CASE("Authenticode takes sections in the order of the file and pads to 8 bytes")
  {
    MadePe made;
    made.certificate_size = 0;
    made.trailing = 3;
    const Bytes file = made_pe(made);
    const Bytes hashed = pieces(file,
                                {{0, checksum_at},
                                 {checksum_at + 4, certificate_at},
                                 {certificate_at + 8, 0x703}},
                                5);
    CHECK(*authenticode_sha384(file) == crypto::sha384(hashed));
  }

  TEST_CASE("an image without a certificate directory is hashed whole but for its checksum")
  {
    MadePe made;
    made.directories = 4;
    made.certificate_size = 0;
    const Bytes file = made_pe(made);
    CHECK(*authenticode_sha384(file) ==
          crypto::sha384(pieces(file, {{0, checksum_at}, {checksum_at + 4, 0x708}})));
  }

  TEST_CASE("bytes that are served instead of the file's are the ones that count")
  {
    const Bytes file = made_pe();
    Bytes served = file;
    for (const std::size_t offset : {0x210U, 0x228U, 0x3ffU})
      served[offset] ^= 0x55U;
    const auto want = authenticode_sha384(served);
    REQUIRE(want);
    for (const std::size_t size : {0x400U, 0x500U, 0x708U})
      CHECK(*authenticode_sha384(ServedFile{ByteView{served}.first(size), file}) == *want);
    CHECK(!authenticode_sha384(ServedFile{Bytes(file.size() + 1), file}));
  }

  TEST_CASE("what is no PE image, or reaches outside itself, is refused")
  {
    const Bytes file = made_pe();
    const auto refusal = [](const Bytes& bytes) {
      const auto digest = authenticode_sha384(bytes);
      return digest ? std::string{"accepted"} : digest.error().message();
    };
    CHECK(refusal(to_bytes("kernel")) == "not a PE image: no MZ at its start");
    CHECK(refusal(with(file, 0x40, 0)) == "not a PE image: no PE signature at 64");
    CHECK(refusal(with(file, 0x3c, 0xffffffff)).starts_with("PE header: "));
    CHECK(refusal(with(file, 0x40 + 24, 0)) == "PE optional header with magic 0x0");
    CHECK(refusal(with(file, 0x40 + 24 + 60, 0x10)).starts_with("PE headers of 16 bytes"));
    CHECK(refusal(with(file, 0x40 + 24 + 60, 0x10000)).starts_with("PE headers of 65536 bytes"));
    constexpr std::size_t table = 0x40 + 24 + 240;
    CHECK(refusal(with(file, table + 20, 0x10000)) == "PE section 0 begins at 65536 of 1816 bytes");
    CHECK(refusal(with(file, table + 20, 0x500)) == "PE sections overlap at 1280");
    CHECK(refusal(with(file, certificate_at + 4, 0x1000)) ==
          "PE certificate table of 4096 bytes, 24 behind the sections");
    MadePe many;
    many.sections = 97;
    CHECK(refusal(made_pe(many)) == "97 PE sections (limit 96)");
    for (std::size_t n = 0; n < file.size(); n += 3)
      static_cast<void>(authenticode_sha384(ByteView{file}.first(n)));
  }
}

} // namespace dstack::measure
