#include "snp/cert_table.hpp"

#include <doctest/doctest.h>

namespace dstack::snp {

namespace {

const std::string vcek_guid = "63da758de6644564adc5f4b93be8accd";
const std::string ask_guid = "4ab7b379bbac4fe4a02f05aef327c782";
const std::string vlek_guid = "a8074bc2a25a483eaae639c045a0b8a1";

struct Part {
  std::string guid;
  std::uint32_t offset;
  std::uint32_t length;
};

Bytes table(const std::vector<Part>& parts, const Bytes& content)
{
  ByteWriter out;
  for (const Part& part : parts)
    out.put(*parse_hex(part.guid)).u32le(part.offset).u32le(part.length);
  return out.zeros(24).put(content).take();
}

std::string refusal(const Bytes& raw)
{
  const auto read = read_certificate_table(raw);
  return read ? "accepted" : read.error().message();
}

} // namespace

TEST_SUITE("snp::read_certificate_table")
{
  TEST_CASE("certificates are found by their GUID, whatever lies between")
  {
    const Bytes raw = table(
        {{ask_guid, 98, 3}, {std::string(32, '7'), 9999, 1}, {vcek_guid, 96, 2}},
        {0xaa, 0xbb, 1, 2, 3, 0, 0});
    const auto read = read_certificate_table(raw);
    REQUIRE(read);
    CHECK(read->vcek == Bytes{0xaa, 0xbb});
    CHECK(read->ask == Bytes{1, 2, 3});
    CHECK(read->ark.empty());
    CHECK(read->crl.empty());
  }

  TEST_CASE("a host that hands over nothing")
  {
    CHECK(read_certificate_table({})->vcek.empty());
    CHECK(read_certificate_table(Bytes(24))->vcek.empty());
    CHECK(read_certificate_table(Bytes(4096))->vcek.empty());
  }

  TEST_CASE("every truncation before the end of the table, and entries outside it, are refused")
  {
    const Bytes raw = table({{vcek_guid, 48, 2}}, {1, 2});
    for (std::size_t n = 1; n < raw.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(read_certificate_table(ByteView{raw}.first(n)));
    }
    CHECK(refusal(raw) == "accepted");
    CHECK(refusal(table({{vcek_guid, 47, 2}}, {1, 2})) ==
          "certificate table: VCEK of 2 bytes at 47 in 50");
    CHECK(refusal(table({{vcek_guid, 48, 0}}, {1, 2})) != "accepted");
    CHECK(refusal(table({{vcek_guid, 49, 2}}, {1, 2})) != "accepted");
    CHECK(refusal(table({{vcek_guid, 0xffffffff, 2}}, {1, 2})) != "accepted");
    CHECK(refusal(table({{vcek_guid, 48, 0xffffffff}}, {1, 2})) != "accepted");
    CHECK(refusal(table({{vcek_guid, 72, 1}, {vcek_guid, 73, 1}}, {1, 2})) ==
          "certificate table: two of VCEK");
    CHECK(read_certificate_table(table({{vlek_guid, 48, 2}}, {1, 2})).error().code() ==
          Errc::unsupported);
    CHECK(refusal(table(std::vector<Part>(65, {std::string(32, '7'), 0, 0}), {})).find("more than") !=
          std::string::npos);
  }
}

} // namespace dstack::snp
