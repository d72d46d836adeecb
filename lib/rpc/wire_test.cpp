#include "rpc/wire.hpp"

#include <doctest/doctest.h>

namespace dstack::rpc {
namespace {

using codec::Json;

const std::vector<Field> disk = {{1, "name"}, {3, "total_size", FieldKind::u64}};
const std::vector<Field> fields = {{1, "os_name"},
                                   {2, "created", FieldKind::i64},
                                   {16, "disk", FieldKind::message, Need::defaulted, disk},
                                   {17, "disks", FieldKind::messages, Need::defaulted, disk}};

} // namespace

TEST_SUITE("rpc::wire")
{
  TEST_CASE("messages inside messages, lists of them, negative numbers")
  {
    Json value;
    value.set("os_name", "x").set("created", std::int64_t{-1});
    value.set("disk", Json{}.set("name", "a").set("total_size", 1));
    Json disks = Json::array();
    disks.push(Json{}.set("name", "b").set("total_size", std::uint64_t{1} << 40U));
    disks.push(Json{}.set("name", "").set("total_size", 0));
    value.set("disks", std::move(disks));
    const Bytes raw = *write_message(fields, value);
    CHECK(hex(raw) == "0a0178"
                      "10ffffffffffffffffff01"
                      "820105"
                      "0a0161"
                      "1801"
                      "8a010a"
                      "0a0162"
                      "18808080808020"
                      "8a0100");
    const auto back = read_message(fields, raw);
    REQUIRE(back);
    CHECK(codec::write_json(*back) == codec::write_json(value));
  }

  TEST_CASE("maps of numbers are lists of pairs")
  {
    const std::vector<Field> all = {{1, "total", FieldKind::u64},
                                    {2, "nodes", FieldKind::counts}};
    const Json value =
        Json{}.set("total", 9).set("nodes", Json{}.set("1", 9).set("300", std::uint64_t{0}));
    const Bytes raw = *write_message(all, value);
    CHECK(hex(raw) == "0809"
                      "120408011009"
                      "120308ac02");
    CHECK(codec::write_json(*read_message(all, raw)) == codec::write_json(value));
    CHECK(codec::write_json(*read_message(all, {})) == R"({"total":0,"nodes":{}})");
    CHECK_FALSE(write_message(all, Json{}.set("nodes", Json{}.set("one", 1))));
    CHECK_FALSE(write_message(all, Json{}.set("nodes", Json::array())));
    CHECK_FALSE(read_message(all, *parse_hex("120208")));
  }

  TEST_CASE("what is missing has its default, what came last counts")
  {
    const auto none = read_message(fields, {});
    REQUIRE(none);
    CHECK(codec::write_json(*none) == R"({"os_name":"","created":0,"disk":null,"disks":[]})");
    CHECK(read_message(fields, *parse_hex("0a01610a0162"))->find("os_name")->text() == "b");
    // Right number, other wire type: an unknown field.
    CHECK(read_message(fields, *parse_hex("0801"))->find("os_name")->text().empty());
  }

  TEST_CASE("what does not follow its fields is refused by name, whatever it is")
  {
    const std::vector<Field> all = {{1, "raw", FieldKind::bytes},
                                    {2, "yes", FieldKind::boolean},
                                    {3, "count", FieldKind::u64},
                                    {4, "depth", FieldKind::i64},
                                    {5, "names", FieldKind::texts},
                                    {6, "raws", FieldKind::bytes_list},
                                    {7, "disk", FieldKind::message, Need::optional, disk},
                                    {8, "text"}};
    Json few = Json::array();
    few.push("zz");
    for (const auto& one : {std::pair{"raw", Json{"no hex"}},
                            {"raw", Json{1}},
                            {"yes", Json{"true"}},
                            {"count", Json{-1}},
                            {"depth", Json{"1"}},
                            {"names", Json{"a"}},
                            {"raws", few},
                            {"disk", Json{"x"}},
                            {"disk", Json{}.set("total_size", "big")},
                            {"text", Json{true}}}) {
      const auto out = write_message(all, Json{}.set(one.first, one.second));
      CAPTURE(one.first);
      REQUIRE_FALSE(out);
      CHECK(out.error().message().starts_with(one.first));
    }
    CHECK_FALSE(write_message(all, Json{"text"}));
    CHECK(write_message(all, Json{})->empty());
    CHECK(hex(write_error("no")) == "0a026e6f");
  }

  TEST_CASE("messages cannot nest without end")
  {
    std::vector<Field> deep = {{1, "x"}};
    for (int i = 0; i < 12; ++i)
      deep = {{1, "m", FieldKind::message, Need::defaulted, deep}};
    Bytes raw;
    for (int i = 0; i < 12; ++i) {
      Bytes outer = {0x0a, static_cast<std::uint8_t>(raw.size())};
      outer.insert(outer.end(), raw.begin(), raw.end());
      raw = outer;
    }
    CHECK_FALSE(read_message(deep, raw));
  }
}

} // namespace dstack::rpc
