#include "codec/json_list.hpp"

#include <doctest/doctest.h>

namespace dstack::codec {

TEST_SUITE("codec::json")
{
  TEST_CASE("a document reads and writes back unchanged, order kept")
  {
    const std::string text =
        R"({"b":1,"a":[true,null,-5,18446744073709551615,1.5,"x\n\"\\"],"c":{}})";
    const auto value = parse_json(text);
    REQUIRE(value);
    CHECK(write_json(*value) == text);
    CHECK(write_json(*value, {.order = JsonOrder::sorted}).starts_with(R"({"a":)"));
    CHECK(*value->find("a")->items()[3].as_u64() == 18446744073709551615ULL);
  }

  TEST_CASE("indentation and escapes follow the style")
  {
    const Json value = Json{}.set("k", JsonArray{Json{1}, Json{"d\xc3\xa9\xf0\x9f\x98\x80"}});
    CHECK(write_json(value, {.indent = 2}) ==
          "{\n  \"k\": [\n    1,\n    \"d\xc3\xa9\xf0\x9f\x98\x80\"\n  ]\n}");
    CHECK(write_json(value, {.escape = JsonEscape::ascii}) == R"({"k":[1,"d\u00e9\ud83d\ude00"]})");
    CHECK(write_json(Json::object(), {.indent = 2}) == "{}");
  }

  TEST_CASE("escapes and numbers are read as RFC 8259 has them")
  {
    const Json value =
        *parse_json(R"( ["\u00e9\ud83d\ude00\/\b", -0, 1e2, -1.5E-1, 9223372036854775808] )");
    CHECK(value.items()[0].text() == "\xc3\xa9\xf0\x9f\x98\x80/\b");
    CHECK(*value.items()[1].as_i64() == 0);
    CHECK(*value.items()[2].as_double() == 100);
    CHECK_FALSE(value.items()[2].is_integer());
    CHECK(*value.items()[3].as_double() == -0.15);
    CHECK(*value.items()[4].as_u64() == 9223372036854775808ULL);
  }

  TEST_CASE("hostile documents are refused with the reason")
  {
    const auto why = [](std::string_view text, const JsonLimits& limits = {}) {
      const auto value = parse_json(text, limits);
      return value ? std::string{"accepted"} : value.error().message();
    };
    CHECK(why(R"({"a":1,"a":2})") == "JSON: key 'a' twice");
    CHECK(why("18446744073709551616") ==
          "JSON: the number 18446744073709551616 does not fit 64 bits");
    CHECK(why("{} x").starts_with("JSON: syntax error at byte"));
    CHECK(why("").starts_with("JSON: syntax error at byte"));
    CHECK(why("\"\xff\"") == "JSON: invalid UTF-8 before byte 3");
    for (const char* wrong : {"\xef\xbb\xbf{}",
                              "[1,]",
                              "{\"a\":1,}",
                              "01",
                              "1.",
                              ".5",
                              "1e",
                              "+1",
                              "-",
                              "nul",
                              "\"\n\"",
                              "\"\\x\"",
                              "\"\\u12g4\"",
                              "\"\\ud800\"",
                              "\"\\udc00\"",
                              "\"\\ud800\\u0041\"",
                              "\"",
                              "[",
                              "{\"a\"",
                              "{a:1}",
                              "'a'",
                              "// x"})
      CHECK_MESSAGE(why(wrong).starts_with("JSON: syntax error at byte"), wrong);
    CHECK(why("1e999") == "JSON: the number 1e999 is out of range");
    CHECK(why(std::string(100, '[')) == "JSON: nested deeper than 64");
    CHECK(why("[1,2,3]", {.max_nodes = 3}) == "JSON: more than 3 values");
    CHECK(why("[1,2,3]", {.max_bytes = 3}) == "JSON: 7 bytes (limit 3)");
  }

  TEST_CASE("typed members name the key that is wrong")
  {
    const Json value = *parse_json(R"({"n":-1,"s":"x","l":["a",1],"z":null})");
    CHECK(value.need_u64("n").error().message() ==
          "'n': a number where a whole number, zero or more, is wanted");
    CHECK(value.need_string("z").error().message() == "'z' is missing");
    CHECK(*value.get_string("z", "d") == "d");
    CHECK(value.get_strings("l").error().message() ==
          "'l' item 1: a number where a string is wanted");
    CHECK(value.get_bool("s", false).error().code() == Errc::malformed);
  }

  TEST_CASE("a range becomes a list, item by item")
  {
    const std::vector<std::string> words{"b", "a"};
    CHECK(write_json(list_of(words)) == R"(["b","a"])");
    CHECK(write_json(list_of(std::vector<Bytes>{{1}, {}}, hex)) == R"(["01",""])");
    CHECK(write_json(list_of(words, [](const std::string& word) {
            return Json{}.set("w", word);
          })) == R"([{"w":"b"},{"w":"a"}])");
    CHECK(write_json(list_of(std::vector<std::string>{})) == "[]");
  }
}

} // namespace dstack::codec
