#include "kmsapi/unseal.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsapi {

namespace {

UnsealDocument sample()
{
  UnsealDocument out;
  out.cluster.fill(0x4f);
  out.public_key.fill(9);
  out.attestation = Bytes(100, 1);
  out.threshold = 2;
  out.have = 1;
  out.custodians = {"alice", "bob", "carol"};
  out.in = {"bob"};
  return out;
}

} // namespace

TEST_SUITE("kmsapi::unseal")
{
  TEST_CASE("what a sealed KMS tells is read back")
  {
    const std::string text = codec::write_json(to_json(sample()));
    const auto read = parse_unseal(text);
    REQUIRE(read);
    CHECK(codec::write_json(to_json(*read)) == text);
    for (std::size_t size = 0; size < text.size(); ++size)
      CHECK_FALSE(parse_unseal(std::string_view{text}.substr(0, size)));
  }

  TEST_CASE("other documents, sizes and control characters")
  {
    const codec::Json good = to_json(sample());
    for (const char* key :
         {"schema", "cluster", "public_key", "attestation", "threshold", "have"}) {
      CAPTURE(key);
      codec::Json bad = good;
      bad.set(key, "zz");
      CHECK_FALSE(parse_unseal(codec::write_json(bad)));
    }
    codec::Json odd = good;
    odd.set("in", codec::JsonArray{codec::Json{"\x1b[2J"}});
    CHECK(parse_unseal(codec::write_json(odd))->in[0].find('\x1b') == std::string::npos);
  }

  TEST_CASE("the attestation vouches for the key under a tag of its own")
  {
    ShareKey key{};
    key.fill(1);
    CHECK(hex(unseal_report_data(key)) ==
          "d36d4fb2a5219644ca3002382c4cbadf7f226e1de8481a7b6efa773936e2e40933969d7c95dd27a9983e1b73"
          "f48f7de2101a0ea9eccd449d5788781421c2d7eb");
    ShareKey other = key;
    other[31] = 2;
    CHECK(unseal_report_data(key) != unseal_report_data(other));
  }
}

} // namespace dstack::kmsapi
