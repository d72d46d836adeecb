#include "measure/tdx.hpp"

#include "base/test_vectors.hpp"
#include "base/text.hpp"
#include "measure/machine_layout.hpp"

#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

/// The published firmware's part; the rest is made up.
TdxMaterial published_material()
{
  TdxMaterial out;
  out.hob = *parse_witness(*parse_hex("80100904000609020b021010"));
  out.cfv = published_cfv_digest();
  out.mrtd[PageOrder::single_pass].fill(1);
  out.mrtd[PageOrder::two_pass].fill(2);
  out.kernels[0].fill(3);
  out.kernels[serving_class(2 * gib)].fill(4);
  return out;
}

std::string rtmr0(const TdxShape& shape)
{
  const auto prediction = predict_tdx(published_material(), shape);
  return prediction ? hex(prediction->rtmr[0]) : prediction.error().message();
}

std::string rtmr0(const QemuVersion& qemu, std::uint32_t cpus, std::uint64_t memory)
{
  return rtmr0(usual_shape(qemu, cpus, memory));
}

} // namespace

TEST_SUITE("measure")
{
  TEST_CASE("RTMR0 for every published version and number of CPUs (spec host C.4)")
  {
    const std::string text =
        slurp(std::filesystem::path{DSTACK_SOURCE_DIR} / "tests/vectors/measure/rtmr0.txt");
    std::size_t rows = 0;
    for (const std::string_view line : split(text, '\n')) {
      if (line.empty() || line.starts_with('#')) continue;
      const auto words = split(line, ' ');
      REQUIRE(words.size() == 4);
      const TdxShape shape = usual_shape(*parse_qemu_version(words[0]),
                                         static_cast<std::uint32_t>(*parse_u64(words[2])), 4 * gib);
      CHECK(shape.machine.pic == (words[1] == "on"));
      CHECK_MESSAGE(rtmr0(shape) == words[3], line);
      ++rows;
    }
    CHECK(rows == 30);
  }

  TEST_CASE("RTMR0 of real quotes and computed ones (spec host 5.11)")
  {
    CHECK(rtmr0({8, 2, 2}, 2, 2 * gib) == "f8438db36b96f85d8752ff7f24a89ec05c79ec9eda2ba732"
                                          "c897fb970ca429365b7471b1c054cb84f17b1c2b23ba6640");
    CHECK(rtmr0({8, 2, 2}, 1, 2 * gib) == "68102e7b524af310f7b7d426ce75481e36c40f5d513a9009"
                                          "c046e9d37e31551f0134d954b496a3357fd61d03f07ffe96");
    CHECK(rtmr0({8, 2, 2}, 2, 4 * gib) == "027b610ab0555482f8a3868524093bdf3cdbe2539f81dfee"
                                          "b886864654cb2fe3422f7fc36d4bab6fa46683aad11d1ba7");
    CHECK(rtmr0({9, 2, 1}, 4, 8 * gib) == "3b8ede0e0fcc8dfd64fe30e2df08e6103879ed2270f91c04"
                                          "ba89ca770e120438304fc12782fafc3670f3a8f30cf56b5b");
    CHECK(rtmr0({9, 2, 1}, 8, 16 * gib) == "5611bcfd5e7e29bdc4b9b1cad007428884eea1a051f9d721"
                                           "5d37d1b5206da56d9e31b3bdbe61fe8b5dc24370461feb5e");
    CHECK(rtmr0({10, 0, 0}, 4, 8 * gib) == "551d4ea9b18e1af7cc019d076c36af6b459e124fcf5256f4"
                                           "5960aa0fc317e30f240f377b224741d219b6a6a197114567");
    CHECK(rtmr0({11, 0, 0}, 4, 8 * gib) == "28bb0f15ab68f2c13e606f11a3c551df7aba387897214675"
                                           "1407b6016d68bb8b3755ac5fecd85957e5e15ecccad972f9");
  }

  TEST_CASE("what a QEMU does by itself (spec host 5.1)")
  {
    CHECK(habits_of({8, 2, 2}).pages == PageOrder::two_pass);
    CHECK(habits_of({8, 2, 2}).pic);
    CHECK(habits_of({9, 0, 0}).pages == PageOrder::single_pass);
    CHECK(!habits_of({9, 0, 0}).pic);
  }

  TEST_CASE("MRTD and kernel are taken in the form the shape asks for")
  {
    TdxMaterial material = published_material();
    const auto old = predict_tdx(material, usual_shape({8, 2, 2}, 1, 64 * gib));
    REQUIRE(old);
    CHECK(old->mrtd == material.mrtd[PageOrder::two_pass]);
    CHECK(old->events[1][0].digest == material.kernels[serving_class(2 * gib)]);
    const auto recent = predict_tdx(material, usual_shape({11, 1, 0}, 1, gib));
    REQUIRE(recent);
    CHECK(recent->mrtd == material.mrtd[PageOrder::single_pass]);
    CHECK(recent->events[1][0].digest == material.kernels[0]);
    CHECK(predict_tdx(material, usual_shape({9, 1, 0}, 1, gib)).error().code() == Errc::internal);
    material.kernel_normalised = true;
    CHECK(predict_tdx(material, usual_shape({9, 1, 0}, 1, gib))->events[1][0].digest ==
          material.kernels[0]);
  }

  TEST_CASE("tables are made once for all memory sizes that do not change them")
  {
    AcpiCache cache;
    TdxShape shape = usual_shape({9, 2, 1}, 2, 2 * gib);
    const auto first = cache.digests(shape.machine);
    shape.machine.memory_bytes = 512 * gib;
    CHECK(cache.digests(shape.machine)->tables == first->tables);
    CHECK(acpi_digests(shape.machine)->tables == first->tables);
    shape.machine.memory_bytes = gib;
    CHECK(cache.digests(shape.machine)->tables == acpi_digests(shape.machine)->tables);
    CHECK(cache.digests(shape.machine)->tables != first->tables);
    shape.machine.cpus = 0;
    CHECK(!cache.digests(shape.machine));
  }
}

} // namespace dstack::measure
