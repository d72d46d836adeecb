#include "measure/expected.hpp"

#include "measure/machine_layout.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace dstack::measure {
namespace {

TdxMaterial material()
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

Candidates candidates(std::string_view vm_config)
{
  return candidates_of(*codec::parse_json(vm_config));
}

std::vector<crypto::Sha384Digest> values_of(const std::vector<RegisterValues>& all,
                                            std::string_view name)
{
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == name; });
  return at == all.end() ? std::vector<crypto::Sha384Digest>{} : at->second;
}

bool has(const std::vector<crypto::Sha384Digest>& values, const crypto::Sha384Digest& value)
{
  return std::find(values.begin(), values.end(), value) != values.end();
}

} // namespace

TEST_SUITE("measure::expected")
{
  TEST_CASE("a VM that says its QEMU may have one RTMR0, and the kernel in either form")
  {
    const auto told =
        candidates(R"({"cpu_count":2,"memory_size":2147483648,"qemu_version":"8.2.2"})");
    CHECK(told.unclear.empty());
    const auto all = expected_registers(material(), told);
    REQUIRE(all);
    const auto rtmr0 = values_of(*all, "rtmr0");
    REQUIRE(rtmr0.size() == 1);
    CHECK(hex(rtmr0[0]) == "f8438db36b96f85d8752ff7f24a89ec05c79ec9eda2ba732"
                           "c897fb970ca429365b7471b1c054cb84f17b1c2b23ba6640"); // T1, 5.11
    CHECK(values_of(*all, "mrtd").size() == 2);
    CHECK(values_of(*all, "rtmr1").size() == 2);
    CHECK(values_of(*all, "rtmr2").size() == 1);
    const auto predicted = predict_tdx(material(), *shape_of(told.machines[0]));
    REQUIRE(predicted);
    CHECK(rtmr0[0] == predicted->rtmr[0]);
    CHECK(has(values_of(*all, "rtmr1"), predicted->rtmr[1]));
    CHECK(values_of(*all, "rtmr2")[0] == predicted->rtmr[2]);
  }

  TEST_CASE("without QEMU's version every set of tables will do, for this machine alone")
  {
    const auto told = candidates(R"({"cpu_count":2,"memory_size":2147483648})");
    const auto rtmr0 = values_of(*expected_registers(material(), told), "rtmr0");
    CHECK(rtmr0.size() == told.machines.size());
    for (const QemuVersion& version : {QemuVersion{8, 2, 2}, QemuVersion{9, 1, 0},
                                       QemuVersion{10, 1, 0}, QemuVersion{11, 1, 3}}) {
      const auto right = predict_tdx(material(), usual_shape(version, 2, 2 * gib));
      const auto other = predict_tdx(material(), usual_shape(version, 3, 2 * gib));
      CHECK(has(rtmr0, right->rtmr[0]));
      CHECK_FALSE(has(rtmr0, other->rtmr[0]));
    }
  }

  TEST_CASE("what describes no machine leaves RTMR0 open, and nothing else")
  {
    for (const char* text :
         {"{}", R"({"cpu_count":2,"memory_size":2147483648,"qemu_version":"99.0.0"})",
          R"({"cpu_count":2,"memory_size":2147483648,"qemu_version":"7.2.0"})",
          R"({"cpu_count":2,"memory_size":2147483648,"num_nics":4000})"}) {
      CAPTURE(text);
      const auto told = candidates(text);
      CHECK(told.machines.empty());
      CHECK_FALSE(told.unclear.empty());
      const auto all = expected_registers(material(), told);
      REQUIRE(all);
      CHECK(values_of(*all, "rtmr0").empty());
      CHECK(values_of(*all, "rtmr1").size() == 2);
    }
  }

  TEST_CASE("a small VM's kernel has a form of its own")
  {
    CHECK(kernel_forms({}) == std::vector<KernelForm>{0, serving_class(2 * gib)});
    const auto told = candidates(R"({"cpu_count":1,"memory_size":1073741824})");
    CHECK(kernel_forms(told) ==
          std::vector<KernelForm>{0, serving_class(2 * gib), serving_class(gib)});
    CHECK(kernel_forms(candidates(R"({"cpu_count":1,"memory_size":4294967296})")).size() == 2);
  }

  TEST_CASE("an SEV-SNP guest's processors")
  {
    const auto shape = [](std::string_view text) {
      return parse_snp_shape(*codec::parse_json(text));
    };
    CHECK(shape(R"({"cpu_count":3})")->cpus == 3);
    CHECK(shape(R"({"cpu_count":3})")->cpu_type == "EPYC-v4");
    const auto told = shape(
        R"({"cpu_count":3,"sev_snp_measurement":"{\"vcpus\":2,\"vcpu_type\":\"EPYC-Milan\"}"})");
    REQUIRE(told);
    CHECK(told->cpus == 2);
    CHECK(told->cpu_type == "EPYC-Milan");
    CHECK(shape(R"({"sev_snp_measurement":"{\"vcpus\":2,\"vcpu_type\":null}"})")->cpu_type ==
          "EPYC-v4");
    CHECK_FALSE(shape("{}"));
    CHECK_FALSE(shape(R"({"cpu_count":513})"));
    CHECK_FALSE(shape(R"({"cpu_count":1,"sev_snp_measurement":"{"})"));
  }
}

} // namespace dstack::measure
