#include "attest/ccel.hpp"

#include "base/test_vectors.hpp"
#include "dcap/quote.hpp"

#include <doctest/doctest.h>

namespace dstack::attest {
namespace {

constexpr std::uint16_t sha384_id = 0x000c;
constexpr std::uint16_t sm3_id = 0x0012;

Bytes spec_id(std::uint16_t algorithm, std::uint16_t size)
{
  ByteWriter data;
  data.text(std::string_view{"Spec ID Event03\0", 16}).u32le(0).u32le(0x02000200).u32le(1);
  data.u16le(algorithm).u16le(size).u8(0);
  const auto body = data.take();
  return ByteWriter{}
      .u32le(1)
      .u32le(3)
      .zeros(20)
      .u32le(static_cast<std::uint32_t>(body.size()))
      .put(body)
      .take();
}

struct Line {
  std::uint32_t index = 1;
  std::uint32_t type = 4;
  std::string_view payload = "";
  unsigned digests = 1;
};

Bytes record(const Line& line)
{
  ByteWriter out;
  out.u32le(line.index).u32le(line.type).u32le(line.digests);
  for (unsigned i = 0; i < line.digests; ++i)
    out.u16le(sha384_id).put(crypto::sha384(as_bytes(line.payload)));
  return out.u32le(static_cast<std::uint32_t>(line.payload.size())).text(line.payload).take();
}

Bytes log_of(std::initializer_list<Line> lines)
{
  Bytes out = spec_id(sha384_id, 48);
  for (const Line& line : lines)
    out = concat({out, record(line)});
  return out;
}

Bytes ended(const Bytes& log)
{
  return concat({log, Bytes(64, 0xff)});
}

std::string error_of(const Bytes& raw)
{
  const auto parsed = parse_ccel(raw);
  return parsed ? "accepted" : parsed.error().message();
}

/// One published log against the registers its manifest says it replays to.
void check_row(const std::filesystem::path& base, const codec::Json& row)
{
  const std::string file = *row.need_string("file");
  CAPTURE(file);
  const codec::Json& want = **row.need_object("replay");
  const auto log = parse_ccel(as_bytes(slurp(base / file)));
  if ((*want.need_object("algs"))->find("0xc") == nullptr) {
    REQUIRE(!log); // SM3, of another vendor's processors
    CHECK(log.error().code() == Errc::unsupported);
    return;
  }
  INFO((log ? std::string{} : log.error().message()));
  REQUIRE(log);
  const auto registers = *want.get_strings("rtmr_from_imr_1_to_4");
  REQUIRE(registers.size() == 4);
  CHECK(log->size() == *want.need_u64("events"));
  for (std::uint32_t imr = 0; imr < 4; ++imr)
    CHECK(hex(*replay(*log, imr)) == registers.at(imr));
}

} // namespace

TEST_SUITE("attest::ccel")
{
  TEST_CASE("published logs of firmwares replay to the registers that others computed")
  {
    const auto base = test_vectors() / "attest";
    if (!std::filesystem::exists(base / "manifest.json")) {
      MESSAGE("skipped: no published vectors here");
      return;
    }
    const auto manifest = *codec::parse_json(slurp(base / "manifest.json"));
    unsigned rows = 0;
    for (const codec::Json& row : (*manifest.need_array("rows"))->items()) {
      if (row.find("replay") == nullptr) continue;
      check_row(base, row);
      ++rows;
    }
    CHECK(rows == 6);
  }

  TEST_CASE("a real machine's log replays to the registers in its quote")
  {
    const auto base = test_vectors() / "attest/ccel";
    if (!std::filesystem::exists(base / "gtg_ccel_data.dat")) {
      MESSAGE("skipped: no published vectors here");
      return;
    }
    const auto log = parse_ccel(as_bytes(slurp(base / "gtg_ccel_data.dat")));
    const std::string raw = slurp(base / "gtg_cos-113-tdx-quote.dat");
    const auto quote = dcap::parse_quote(as_bytes(raw));
    REQUIRE(log);
    REQUIRE(quote);
    for (std::uint32_t imr = 0; imr < 4; ++imr)
      CHECK(*replay(*log, imr) == quote->td.rtmr.at(imr));
  }

  TEST_CASE("the first three ACPI DATA events of RTMR0 get their names, others none")
  {
    const auto log = parse_ccel(ended(log_of({{1, 10, "ACPI DATA"},
                                              {2, 10, "ACPI DATA"},
                                              {1, 4, "ACPI DATA"},
                                              {1, 10, "ACPI DATA "},
                                              {1, 10, "ACPI DATA"},
                                              {1, 10, "ACPI DATA"},
                                              {1, 10, "ACPI DATA"}})));
    REQUIRE(log);
    std::vector<std::string> names;
    for (const TdxEvent& event : *log)
      names.push_back(event.name);
    CHECK(names ==
          std::vector<std::string>{"acpi-loader", "", "", "", "acpi-rsdp", "acpi-tables", ""});
    CHECK((*log)[0].imr == 0);
    CHECK((*log)[1].imr == 1);
    CHECK(*(*log)[0].digest == crypto::sha384(as_bytes("ACPI DATA")));
    CHECK((*log)[0].payload == to_bytes("ACPI DATA"));
  }

  TEST_CASE("records of MRTD and records that extend nothing are passed over")
  {
    const auto log = parse_ccel(ended(log_of({{0, 4, "mrtd"}, {1, 3, "no action"}, {4, 1, "r3"}})));
    REQUIRE(log);
    REQUIRE(log->size() == 1);
    CHECK((*log)[0].imr == 3);
  }

  TEST_CASE("the log ends at its mark, at cleared space, or with the bytes")
  {
    const Bytes log = log_of({{1, 4, "a"}, {2, 4, "b"}});
    CHECK(parse_ccel(log)->size() == 2);
    CHECK(parse_ccel(ended(log))->size() == 2);
    CHECK(parse_ccel(concat({log, Bytes(4096, 0)}))->size() == 2);
    CHECK(parse_ccel(concat({ended(log), record({9, 1, "behind the end"})}))->size() == 2);
    CHECK(error_of(concat({log, Bytes(3, 0)})) == "event 2: need 4 bytes at offset 199, have 3");
  }

  TEST_CASE("every truncation inside a record is refused")
  {
    const Bytes one = log_of({{1, 4, "first"}});
    const Bytes good = log_of({{1, 4, "first"}, {2, 4, "second"}});
    for (std::size_t n = 0; n < good.size(); ++n) {
      CAPTURE(n);
      const auto parsed = parse_ccel(ByteView{good}.first(n));
      const bool between = n == spec_id(sha384_id, 48).size() || n == one.size();
      CHECK(static_cast<bool>(parsed) == between);
    }
  }

  TEST_CASE("one wrong value each")
  {
    CHECK(error_of(log_of({{5, 4, "x"}})) == "event 0: register index 5 (want 0 to 4)");
    CHECK(error_of(log_of({{1, 4, "x", 0}})) == "event 0: 0 digests (want exactly one)");
    CHECK(error_of(log_of({{1, 4, "x", 2}})) == "event 0: 2 digests (want exactly one)");
    CHECK(error_of(concat({spec_id(sm3_id, 48), record({})})).find("does not list") !=
          std::string::npos);
    CHECK(error_of(spec_id(sha384_id, 32)) == "event log header: SHA-384 with 32 bytes");
    Bytes sm3 = concat({spec_id(sm3_id, 48), record({1, 4, "x"})});
    sm3[spec_id(sm3_id, 48).size() + 12] = sm3_id;
    CHECK(parse_ccel(sm3).error().code() == Errc::unsupported);
    Bytes text = log_of({});
    text[32] = 's';
    CHECK(parse_ccel(text).error().code() == Errc::unsupported);
    Bytes type = log_of({});
    type[4] = 4;
    CHECK(error_of(type) == "event log header: event type 0x4 (want 3)");
    Bytes many = concat({log_of({}), ByteWriter{}.u32le(1).u32le(4).u32le(65'537).take()});
    CHECK(error_of(many) == "event 0: 65537 digests");
    CHECK(parse_ccel(Bytes(max_tcg_log + 1, 0)).error().code() == Errc::malformed);
  }

  TEST_CASE("no more than 65536 events are read")
  {
    ByteWriter log;
    log.put(log_of({}));
    for (std::size_t i = 0; i < 65'537; ++i)
      log.u32le(0).u32le(1).u32le(0).u32le(0);
    CHECK(error_of(log.bytes()) == "more than 65536 events");
  }
}

} // namespace dstack::attest
