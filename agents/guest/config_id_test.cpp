#include "guest/config_id.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {

TEST_SUITE("guest::config_id")
{
  TEST_CASE("a compose file swapped after the host fixed its hash does not start")
  {
    Identity identity;
    identity.compose_hash.fill(0x22);
    identity.app_id.fill(0x11);
    identity.instance_id = Bytes(20, 0x44);
    attest::TdxRegisters registers;
    const auto check = [&] {
      return check_config_id(registers, identity, {}, R"({"name":"none","id":""})", "");
    };
    CHECK(check()); // all zeros
    const Bytes id = attest::mr_config_id_v1(identity.compose_hash);
    std::copy(id.begin(), id.end(), registers.mr_config_id.begin());
    CHECK(check());
    identity.compose_hash[5] ^= 1;
    REQUIRE_FALSE(check());
    CHECK(check().error().code() == Errc::denied);
    CHECK(check().error().message().find("is not that of the app that was measured") !=
          std::string::npos);
    registers.mr_config_id[0] = 3;
    CHECK(check().error().message().find("document") != std::string::npos);
    registers.mr_config_id[0] = 9;
    CHECK_FALSE(check());
  }

  TEST_CASE("version 2 binds app id and key provider too")
  {
    Identity identity;
    identity.compose_hash.fill(0x22);
    identity.app_id.fill(0x11);
    attest::Identity same;
    same.compose_hash = Bytes(32, 0x22);
    same.app_id = Bytes(20, 0x11);
    same.key_provider_name = "local-sgx";
    same.key_provider_id = hex(Bytes(32, 0x33));
    attest::TdxRegisters registers;
    const Bytes id = *attest::mr_config_id_v2(same);
    std::copy(id.begin(), id.end(), registers.mr_config_id.begin());
    const auto with = [&](const std::string& provider) {
      return bool(check_config_id(registers, identity, {}, provider, ""));
    };
    const std::string local =
        fmt::format(R"({{"name":"local-sgx","id":"{}"}})", hex(Bytes(32, 0x33)));
    CHECK(with(local));
    CHECK_FALSE(with(R"({"name":"local-sgx","id":"00"})"));
    CHECK_FALSE(with(R"({"name":"none","id":""})"));
  }
}

} // namespace dstack::guest
