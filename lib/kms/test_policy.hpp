#pragma once
/// A policy and the caller it was written for, for tests.

#include "kms/policy.hpp"

#include <doctest/doctest.h>

namespace dstack::kms::test {

inline std::string of(std::string_view byte, std::size_t count)
{
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += byte;
  return out;
}

/// A production policy for the caller below.
inline std::string text()
{
  return fmt::format(R"(# who gets keys
gateway_app_id = "{0}"

[evidence]
tcb = ["UpToDate", "SWHardeningNeeded"]
advisories = ["INTEL-SA-1"]

[[image]]
name = "dstack-0.6.0"
hash = "{1}"
mrtd = ["{2}"]
rtmr1 = ["{3}", "{4}"]
rtmr2 = ["{5}"]

[kms]
mr_aggregated = ["{6}"]
devices = ["{7}"]

[[app]]
id = "{8}"
name = "shop"
compose = ["{9}"]
epoch = 2
)",
                     of("99", 20), of("f1", 32), of("01", 48), of("aa", 48), of("03", 48),
                     of("04", 48), of("e1", 32), of("d1", 32), of("A1", 20), of("C1", 32));
}

inline Policy policy(const std::string& toml = text())
{
  auto out = policy_from_toml(toml, "p.toml");
  if (!out) FAIL(out.error().message());
  return *out;
}

/// The text with one part replaced.
inline std::string with(std::string_view from, std::string_view to)
{
  std::string out = text();
  const auto at = out.find(from);
  REQUIRE(at != std::string::npos);
  out.replace(at, from.size(), to);
  return out;
}

inline BootInfo caller()
{
  BootInfo out;
  out.tee_variant = "dstack-tdx";
  out.mr_aggregated = Bytes(32, 0xe1);
  out.os_image_hash = Bytes(32, 0xf1);
  out.mr_system = Bytes(32, 0xe2);
  out.app_id = Bytes(20, 0xa1);
  out.compose_hash = Bytes(32, 0xc1);
  out.instance_id = Bytes(20, 0xb2);
  out.device_id = Bytes(32, 0xd1);
  out.tcb_status = "UpToDate";
  out.registers = {{"mrtd", of("01", 48)},
                   {"rtmr0", of("02", 48)},
                   {"rtmr1", of("03", 48)},
                   {"rtmr2", of("04", 48)}};
  return out;
}

} // namespace dstack::kms::test
