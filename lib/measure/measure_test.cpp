#include "measure/boot.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

/// A made-up firmware with measured pages, one page only added, and the metadata that says so.
Bytes made_tdvf(std::uint32_t count = 2, std::uint64_t size = 4096, std::size_t file_pages = 1)
{
  ByteWriter out;
  for (std::size_t i = 0; i < 4096 * file_pages; ++i)
    out.u8(static_cast<std::uint8_t>(i * 7));
  const std::size_t descriptor = out.size();
  out.text("TDVF").u32le(16 + 64).u32le(1).u32le(count);
  out.u32le(0).u32le(4096).u64le(0xffc00000).u64le(size).u32le(0).u32le(1);
  out.u32le(0).u32le(0).u64le(0x810000).u64le(4096).u32le(3).u32le(0);
  const std::size_t table = out.size();
  const std::size_t end = table + 22 + 18 + 32;
  out.u32le(static_cast<std::uint32_t>(end - descriptor)).u16le(22);
  out.put(*parse_hex("35657ae44a989847865e4685a7bf8ec2"));
  out.u16le(40).put(*parse_hex("de82b596b21ff745baeaa366c55a082d"));
  return out.zeros(32).take();
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("the section table is found and checked")
  {
    const auto sections = tdvf_sections(made_tdvf());
    REQUIRE(sections);
    REQUIRE(sections->size() == 2);
    CHECK((*sections)[0].measured());
    CHECK(!(*sections)[1].measured());
    CHECK(!tdvf_sections(made_tdvf(65)));
    CHECK(!tdvf_sections(made_tdvf(2, 4097)));
    CHECK(!tdvf_sections(made_tdvf(2, std::uint64_t{1} << 40U)));
    CHECK(tdvf_sections(Bytes(100, 0)).error().code() == Errc::unsupported);
    const Bytes good = made_tdvf();
    for (std::size_t n = 0; n < good.size(); n += 7)
      CHECK(!tdvf_sections(ByteView{good}.last(good.size() - 1).first(n)));
  }

  TEST_CASE("MRTD is the hash of the documented blocks, in either order")
  {
    const Bytes file = made_tdvf();
    Bytes stream;
    const auto block = [&](std::string_view name, std::uint64_t address) {
      ByteWriter out;
      out.text(name).zeros(16 - name.size()).u64le(address).zeros(104);
      stream.insert(stream.end(), out.bytes().begin(), out.bytes().end());
    };
    block("MEM.PAGE.ADD", 0xffc00000);
    for (std::size_t i = 0; i < 16; ++i) {
      block("MR.EXTEND", 0xffc00000 + i * 256);
      stream.insert(stream.end(), file.begin() + static_cast<std::ptrdiff_t>(i * 256),
                    file.begin() + static_cast<std::ptrdiff_t>(i * 256 + 256));
    }
    block("MEM.PAGE.ADD", 0x810000);
    CHECK(*mrtd(file, PageOrder::single_pass) == crypto::sha384(stream));
    CHECK(*mrtd(file, PageOrder::two_pass) == crypto::sha384(stream)); // one page: no difference
  }

  TEST_CASE("with two pages the orders differ, as computed apart from this code")
  {
    const Bytes file = made_tdvf(2, 8192, 2);
    CHECK(hex(*mrtd(file, PageOrder::single_pass)) ==
          "7fe5b4f6fe2f20851b9c884bae4ac9ba2803aa49bdc3858f"
          "401a31442082535e87eb0d773ae8eac562c94cef640be75f");
    CHECK(hex(*mrtd(file, PageOrder::two_pass)) ==
          "e7bf1faf251b012c2d99e4ada2bf02d395e98208967345fc"
          "c1309519fed76967623829783e2076e2db4831647af22ec1");
  }

  TEST_CASE("the command line and initrd give the published RTMR2 (spec host 5.6)")
  {
    const std::string cmdline =
        "console=ttyS0 init=/init panic=1 dstack.rootfs_hash=" + std::string(64, '1') +
        " dstack.rootfs_size=4096";
    CHECK(hex(cmdline_digest(cmdline)) ==
          "bb4154e6e429e184bc63d544ae5720f868e5859b378b13bab69860e1fc65c09f"
          "1b67277bba010841fbe8bc3619e58d58");
    const Bytes file = made_tdvf();
    BootInputs inputs;
    inputs.firmware = file;
    inputs.cmdline = cmdline;
    inputs.initrd.fill(0x33);
    inputs.shape = {2, std::uint64_t{2} << 30U};
    const auto boot = simulated_boot(inputs);
    REQUIRE(boot);
    CHECK(hex(boot->rtmr[2]) == "2fb6d31492cd2f073fe8fdaa9dbdff4dfdde92bf07f9a16c2b7123ae7be5090007"
                                "974d33bfe8807ac56974160f8f2948");
    const auto again = boot_from_json(to_json(*boot));
    REQUIRE(again);
    CHECK(again->rtmr == boot->rtmr);
    CHECK(again->mrtd == boot->mrtd);
    inputs.shape.cpus = 4;
    CHECK(simulated_boot(inputs)->rtmr[0] != boot->rtmr[0]);
  }
}

} // namespace dstack::measure
