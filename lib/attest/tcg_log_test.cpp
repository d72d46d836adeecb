#include "attest/tcg_log.hpp"

#include "attest/ccel.hpp"
#include "crypto/hash.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {
namespace {

constexpr std::uint16_t sha256_id = 0x000b;

/// A TPM's log with banks of SHA-256 and SHA-384 and one event of PCR 9.
Bytes two_banks()
{
  ByteWriter header;
  header.text(std::string_view{"Spec ID Event03\0", 16}).u32le(0).u32le(0x02000200).u32le(2);
  header.u16le(sha256_id).u16le(32).u16le(tcg_sha384).u16le(48).u8(0);
  ByteWriter out;
  out.u32le(0).u32le(tcg_no_action).zeros(20);
  out.u32le(static_cast<std::uint32_t>(header.size())).put(header.bytes());
  out.u32le(9).u32le(6).u32le(2);
  out.u16le(sha256_id).put(crypto::sha256(as_bytes("initrd")));
  out.u16le(tcg_sha384).put(crypto::sha384(as_bytes("initrd")));
  return out.u32le(4).text("text").take();
}

} // namespace

TEST_SUITE("attest::parse_tcg_log")
{
  TEST_CASE("a TPM's log may have several digests, of which SHA-384 is told")
  {
    const Bytes raw = two_banks();
    const auto log = parse_tcg_log(raw);
    REQUIRE(log);
    REQUIRE(log->size() == 1);
    const TcgRecord& record = log->front();
    CHECK(record.index == 9);
    CHECK(record.type == 6);
    CHECK(record.digests == 2);
    CHECK(record.algorithm == sha256_id);
    CHECK(equal(record.sha384, crypto::sha384(as_bytes("initrd"))));
    CHECK(as_text(record.payload) == "text");
    CHECK(!parse_ccel(raw)); // TDX has four registers and one digest each
  }

  TEST_CASE("a log without its end is refused at every length")
  {
    const Bytes raw = two_banks();
    constexpr std::size_t header = 32 + 37;
    for (std::size_t n = 0; n < raw.size(); ++n) {
      CAPTURE(n);
      CHECK(static_cast<bool>(parse_tcg_log(ByteView{raw}.first(n))) == (n == header));
    }
  }
}

} // namespace dstack::attest
