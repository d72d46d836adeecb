#include "measure/acpi.hpp"

#include "crypto/hash.hpp"
#include "measure/acpi_parts.hpp"
#include "measure/machine_layout.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

/// The machine spec host 5.5.7 varies: QEMU 11.1, one CPU, 2 GiB, one NIC.
AcpiShape base()
{
  AcpiShape shape;
  shape.qemu = {11, 1, 0};
  shape.memory_bytes = 2 * gib;
  return shape;
}

template <class Change> AcpiShape base_but(Change change)
{
  AcpiShape shape = base();
  change(shape);
  return shape;
}

AcpiShape shape_of(QemuVersion qemu, std::uint32_t cpus, std::uint64_t memory_gib)
{
  AcpiShape shape;
  shape.qemu = qemu;
  shape.cpus = cpus;
  shape.memory_bytes = memory_gib * gib;
  shape.pic = qemu.major == 8; // spec host 5.1
  return shape;
}

/// One node with an expander, as with huge pages and GPUs on one node of the host.
AcpiShape huge_pages(std::uint32_t cpus, std::uint64_t memory_mib, std::uint32_t gpus)
{
  return base_but([&](AcpiShape& s) {
    s.cpus = cpus;
    s.memory_bytes = memory_mib * mib;
    s.gpus = gpus;
    s.nodes = {{s.memory_bytes, 5}};
    s.amd_cpu = true; // the published tables come from QEMU's own CPU model
  });
}

std::string tables_sha256(const AcpiShape& shape)
{
  const auto blobs = acpi_blobs(shape);
  REQUIRE(blobs);
  return hex(crypto::sha256(blobs->tables));
}

std::uint32_t u32_at(ByteView bytes, std::size_t at)
{
  ByteReader in{bytes.subspan(at)};
  return *in.u32le();
}

std::size_t find(ByteView in, std::string_view what)
{
  return as_text(in).find(what);
}

} // namespace

TEST_SUITE("measure::acpi")
{
  TEST_CASE("the tables are the published ones (spec host 5.5.7)")
  {
    struct Vector {
      AcpiShape shape;
      std::string_view sha256;
    };
    const auto qemu = [](std::uint32_t major, std::uint32_t minor) {
      return base_but([&](AcpiShape& s) { s.qemu = {major, minor, 0}; });
    };
    const auto cpus = [](std::uint32_t n) { return base_but([&](AcpiShape& s) { s.cpus = n; }); };
    const auto slots = [](std::uint32_t n) { return base_but([&](AcpiShape& s) { s.slots = n; }); };
    const auto passed = [](std::uint32_t gpus, std::uint32_t nvswitches) {
      return base_but([&](AcpiShape& s) {
        s.gpus = gpus;
        s.nvswitches = nvswitches;
        s.hotplug = false;
      });
    };
    const std::vector<Vector> vectors{
        {qemu(8, 2), "ff0c03c7f4026a95b0b2f2e08cef7d501a3a44b4df036c9f26de91828f0215f6"},
        {qemu(9, 1), "ff0c03c7f4026a95b0b2f2e08cef7d501a3a44b4df036c9f26de91828f0215f6"},
        {qemu(9, 2), "b183eba66c6e96556f28cefe60ca92620b82488fcefaf66167aad61e2b2e73d1"},
        {qemu(10, 0), "d0410a8abdbba6d86a19a2eefd491376727e4e2d80c54349d7f30deca14ca6e1"},
        {qemu(11, 0), "e211dd453e651ef320d28c65d23f578e96468614614e7b1172f18df5052d0f1f"},
        {base(), "09f99e5dcf36b80a9258e849b3a9a70e7914244008e6a92a689eb22e4cc17a8f"},
        {cpus(2), "1362c6f473801b34f93df4e2966b2d3350f7f9113750da78a2cb799177157da8"},
        {cpus(8), "0f9fc08c5efd03f1cb3cfaa1a0a09c45dcfbc18183dbc5aa1367ad10eb65135a"},
        {cpus(64), "089fda95fb5d45ba9a5f46ebc99d85e1331daa4dd38f60597eec9a3d95c94bb5"},
        {cpus(256), "d1c3291dbdf0ccc4acdecce5f78fbe80e0ca7d6d803a62c9f5b59ee8c7e0a1b5"},
        {cpus(4096), "6a4bbd704addd10996632d6535432598c742789e60b29d055a7784be927588a5"},
        {slots(4), "93a140bbc031dc313ed4011b838c8b22ffdecb474435d9fcb294be97194c953c"},
        {slots(6), "fbf083121cc3b46b3b7913e45e635e6bb31e11f0cb6e029aa504bc4de68e2d64"},
        {slots(9), "7d722d7e3d811aa7978030af1d2a6c6aa68a5ab9267d7dff4e57babdf1476870"},
        {passed(1, 0), "0948490885eb9a777d553c7c0c529e3647533f4251b394f2f7f0a9862dadb4ca"},
        {passed(8, 0), "93946fc370652394d13211bd1e9361a27128a56339017f9e3645d86f0bddc1bd"},
        {passed(1, 1), "bc29add92b02f264c41cfbde65beb24499cbb43e10fefe191f3a513284c050de"},
        {passed(1, 4), "323e607f82db7a002bd6a71e7a6ac1ed746e94e3daba75dde2958751861c1a57"},
        {huge_pages(1, 2048, 8),
         "a8449287b161102ca136f892d13d6bc853d1abdc9ba7804e886f0a42784878c3"},
        {huge_pages(2, 1, 1), "8d7620126cfd2a2edabbc8c9f289ca2993f547d595eed61fd508d24f2b52e3ac"},
        {huge_pages(2, 2049, 1),
         "646e5cc620fd7819f8f4756c712619d2a72c29a175fc04b79867cee80e67cf82"},
        {huge_pages(2, 2815, 1),
         "ee35c5e548a3f527dd12b1dd6ee14e093fd6063056470b3ef6cb6c844e4186a4"},
        {huge_pages(2, 2816, 1),
         "3bf181108245994ceb7e983b1fa62009dcd56f7b49fd1e96ef15eb07d04aefc9"},
        {huge_pages(2, 1048576, 1),
         "f22a114b0975b18200553442d6c9fab172fb930252c1a95926c594b2c25bca57"},
    };
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      CAPTURE(i);
      CHECK(tables_sha256(vectors[i].shape) == vectors[i].sha256);
    }
  }

  TEST_CASE("root ports with hotplug have the published parts (spec host 5.5.7)")
  {
    const AcpiShape shape = base_but([](AcpiShape& s) { s.gpus = 8; });
    constexpr std::size_t before_name = 4; // opcode and length of a device
    const Bytes devices = acpi::bus_devices(shape);
    const std::size_t begin = find(devices, "S30_") - before_name;
    REQUIRE(begin + 1094 <= devices.size());
    CHECK(hex(crypto::sha256(ByteView{devices}.subspan(begin, 1094))) ==
          "caec37e9162f026c9e36fe4952fb55f6aa7db09fc92e4e785914f84b05a705b3");
    const Bytes events = acpi::hotplug_events(shape);
    REQUIRE(events.size() > 411);
    CHECK(hex(crypto::sha256(ByteView{events}.first(411))) ==
          "29f0fc0087802ef8886aa8eff10bbd78b471e50f8ce2d543861cd437a2806851");
    CHECK(hex(crypto::sha256(ByteView{events}.subspan(411))) ==
          "6e22ff760f3c9e6263713cd7590518d1fd5ca2cd2344e8856bb618d2bef6d470");
  }

  TEST_CASE("the blobs are those real quotes and the computed example have (spec host 5.11)")
  {
    const auto t1 = acpi_blobs(shape_of({8, 2, 2}, 2, 2));
    REQUIRE(t1);
    CHECK(hex(crypto::sha384(t1->tables)) ==
          "3070721e169bc41884724cb0e6b3082e1baf249083d8b389181ba50b9afa9510"
          "57876c380b8870e8c2facf2eff67a2b6");
    CHECK(hex(crypto::sha384(t1->loader)) ==
          "095d04cf26fe03aef6e3561fa24c1aa1cea93f4aeaf563b1f9f7616184c53454"
          "875925759434769cec2490acb563a337");
    CHECK(hex(crypto::sha384(t1->rsdp)) ==
          "8d9a4d4777a1bc77ecd9d8d37a4628129a80052a510320159a20a923bd07a0e9"
          "0d8d1f2e1ebf088992b25f0d0fa672ef");
    AcpiShape gpu = shape_of({9, 2, 1}, 16, 64);
    gpu.hotplug = false;
    gpu.pci_hole64 = 16 * 1024 * gib;
    gpu.gpus = 1;
    const auto t3 = acpi_blobs(gpu);
    REQUIRE(t3);
    CHECK(hex(crypto::sha384(t3->tables)) ==
          "abfb2256644b5786eefdcb92303d2008c36cb9500d98997e215ef5080745d4bf"
          "2e5b3629090918e193e7f05b173d48c5");
    CHECK(hex(crypto::sha384(t3->loader)) ==
          "2065dd48d647e4377db277ba203526901a17845e93e0df4c2dfc3ce136e09103"
          "24ead1e1c86b8d90c2acdf9c85ffac53");
    CHECK(hex(crypto::sha384(t3->rsdp)) ==
          "772b0169c66b52e4453fff9e3c6257635ea950ebcc8edd7ef2e2f8241cf6a155"
          "f39df01a7c7a194b6bc0abe5de11861d");
    const auto c2 = acpi_blobs(shape_of({9, 2, 1}, 4, 8));
    REQUIRE(c2);
    CHECK(hex(crypto::sha384(c2->tables)) ==
          "3ac80af84f80a01c5c85bb1a1f4db877f1a74630b440c4a93c1bb2a3b9951341"
          "d7604526b68f6db805e023d0962400bf");
  }

  TEST_CASE("tables lie where they are said to (spec host C.3)")
  {
    const auto blobs = acpi_blobs(shape_of({8, 2, 2}, 2, 4));
    REQUIRE(blobs);
    const std::vector<std::pair<std::string_view, std::size_t>> tables{
        {"FACS", 64}, {"DSDT", 8285}, {"FACP", 244}, {"APIC", 238},
        {"MCFG", 60}, {"WAET", 40},   {"RSDT", 52}};
    std::size_t at = 0;
    for (const auto& [signature, size] : tables) {
      CHECK(as_text(ByteView{blobs->tables}.subspan(at, 4)) == signature);
      CHECK(u32_at(blobs->tables, at + 4) == size);
      at += size;
    }
    CHECK(blobs->tables.size() == 0x20000);
    CHECK(hex(blobs->rsdp) == "525344205054522000424f4348532000e3220000");
    CHECK(hex(ByteView{blobs->tables}.subspan(64, 64))
              .starts_with(
                  "445344545d2000000100424f43485320425850432020202001000000425850430100000010"
                  "49045c005b804442475f010b0204015b81"));
    const ByteView loader = blobs->loader;
    CHECK(loader.size() == 4096);
    CHECK(hex(loader.first(128)) == "01000000" + hex(as_bytes("etc/acpi/rsdp")) +
                                        std::string(86, '0') + "10000000" + "02" +
                                        std::string(126, '0'));
    CHECK(hex(loader.subspan(256, 128)) == "03000000" + hex(as_bytes("etc/acpi/tables")) +
                                               std::string(82, '0') + "49000000400000005d200000" +
                                               std::string(112, '0'));
  }

  TEST_CASE("DSDT lengths and RSDT offsets grow as published (spec host C.4)")
  {
    struct Row {
      QemuVersion qemu;
      std::array<std::uint32_t, 6> dsdt; ///< for 1, 2, 4, 8, 16, 32 CPUs
      std::array<std::uint32_t, 6> rsdt;
    };
    const std::vector<Row> rows{
        {{8, 2, 2}, {8202, 8285, 8457, 8802, 9490, 10866}, {8840, 8931, 9119, 9496, 10248, 11752}},
        {{9, 1, 0}, {8202, 8285, 8457, 8802, 9490, 10866}, {8840, 8931, 9119, 9496, 10248, 11752}},
        {{9, 2, 1}, {8220, 8303, 8475, 8820, 9508, 10884}, {8748, 8839, 9027, 9404, 10156, 11660}},
        {{10, 0, 0}, {8287, 8370, 8542, 8887, 9575, 10951}, {8815, 8906, 9094, 9471, 10223, 11727}},
        {{11, 1, 0}, {8275, 8358, 8530, 8875, 9563, 10939}, {8803, 8894, 9082, 9459, 10211, 11715}},
    };
    for (const Row& row : rows)
      for (std::size_t i = 0; i < row.dsdt.size(); ++i) {
        const auto blobs = acpi_blobs(shape_of(row.qemu, 1U << i, 4));
        REQUIRE(blobs);
        CHECK(u32_at(blobs->tables, 64 + 4) == row.dsdt.at(i));
        CHECK(u32_at(blobs->rsdp, 16) == row.rsdt.at(i));
      }
  }

  TEST_CASE("memory matters only below 2816 MiB, and the loader only knows offsets")
  {
    const auto two = acpi_blobs(shape_of({10, 1, 0}, 4, 2));
    const auto many = acpi_blobs(shape_of({10, 1, 0}, 4, 512));
    AcpiShape between = shape_of({10, 1, 0}, 4, 0);
    between.memory_bytes = 2560 * mib;
    const auto three = acpi_blobs(between);
    REQUIRE((two && many && three));
    CHECK(two->tables == many->tables);
    CHECK(two->tables != three->tables);
    CHECK(two->loader == three->loader);
    CHECK(two->rsdp == three->rsdp);
  }

  TEST_CASE("ordinary machines differ from confidential ones before QEMU 9.2 only")
  {
    const auto tables = [](QemuVersion qemu, bool tdx) {
      return tables_sha256(base_but([&](AcpiShape& s) { s.qemu = qemu, s.tdx = tdx; }));
    };
    CHECK(tables({9, 1, 2}, true) != tables({9, 1, 2}, false));
    CHECK(tables({9, 2, 0}, true) == tables({9, 2, 0}, false));
  }

  TEST_CASE("what QEMU would not start, and versions nobody compared, are refused")
  {
    const auto refused = [](auto change) {
      const auto blobs = acpi_blobs(base_but(change));
      return !blobs && blobs.error().code() == Errc::unsupported;
    };
    CHECK(refused([](AcpiShape& s) { s.cpus = 0; }));
    CHECK(refused([](AcpiShape& s) { s.cpus = 4097; }));
    CHECK(refused([](AcpiShape& s) { s.memory_bytes = 0; }));
    CHECK(refused([](AcpiShape& s) { s.memory_bytes = std::uint64_t{1} << 50U; }));
    CHECK(refused([](AcpiShape& s) { s.pci_hole64 = ~std::uint64_t{0}; }));
    CHECK(refused([](AcpiShape& s) { s.slots = 31; }));
    CHECK(refused([](AcpiShape& s) { s.slots = 28, s.gpus = 3; }));
    CHECK(!refused([](AcpiShape& s) { s.slots = 28, s.gpus = 2; }));
    CHECK(refused([](AcpiShape& s) { s.gpus = ~0U, s.nvswitches = ~0U; }));
    CHECK(refused([](AcpiShape& s) { s.qemu = {7, 2, 0}; }));
    CHECK(refused([](AcpiShape& s) { s.qemu = {11, 2, 0}; }));
    CHECK(refused([](AcpiShape& s) { s.nodes = {{gib, 5}}; }));
    CHECK(refused([](AcpiShape& s) { s.nodes = {{gib, 5}, {gib, 7}}; }));
    CHECK(!refused([](AcpiShape& s) { s.cpus = 2, s.nodes = {{gib, 5}, {gib, 7}}; }));
    CHECK(refused([](AcpiShape& s) { s.cpus = 2, s.nodes = {{gib, 5}, {gib, 5}}; }));
    CHECK(refused([](AcpiShape& s) { s.slots = 16, s.nodes = {{2 * gib, 5}}; }));
    CHECK(refused([](AcpiShape& s) { s.cpus = 64, s.nodes.resize(64); }));
  }

  TEST_CASE("a QEMU version is three numbers")
  {
    CHECK(*parse_qemu_version("8.2.2") == QemuVersion{8, 2, 2});
    CHECK(*parse_qemu_version("10.0.13") > QemuVersion{9, 2, 1});
    CHECK(text_of({10, 0, 13}) == "10.0.13");
    for (const std::string_view wrong : {"", "9", "9.2", "9.2.1.0", "9..1", "9.2.x", "v9.2.1",
                                         "9.2.1 ", "-9.2.1", "9.2.99999999999"})
      CHECK(parse_qemu_version(wrong).error().code() == Errc::usage);
  }
}

} // namespace dstack::measure
