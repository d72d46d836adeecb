#include "codec/toml.hpp"

#include <doctest/doctest.h>

namespace dstack::codec {

TEST_SUITE("codec::toml")
{
  TEST_CASE("values keep their kind and the line they stand on")
  {
    const auto parsed = parse_toml("a = 1\n[t]\nb = 'x'\nl = [\n  true,\n  2.5,\n]\n");
    REQUIRE(parsed);
    const TomlTable& top = *parsed->table();
    REQUIRE(top.size() == 2);
    CHECK(top[0].first == "a");
    CHECK(std::get<std::int64_t>(top[0].second.value) == 1);
    CHECK(top[0].second.line == 1);
    const TomlTable& inner = *top[1].second.table();
    REQUIRE(inner.size() == 2);
    CHECK(*inner[0].second.text() == "x");
    CHECK(inner[0].second.line == 3);
    const TomlArray& list = *inner[1].second.array();
    REQUIRE(list.size() == 2);
    CHECK(list[0].kind() == "true or false");
    CHECK(list[1].line == 6);
    CHECK(parse_toml("")->table()->empty());
  }

  TEST_CASE("what is not TOML is refused with its place")
  {
    const auto message = [](std::string_view text) {
      const auto parsed = parse_toml(text);
      return parsed ? std::string{"accepted"} : parsed.error().message();
    };
    CHECK(message("a = 1\na = 2\n").starts_with("line 2, column"));
    CHECK(message("\n\nb = \n").starts_with("line 3, column"));
    CHECK(message("d = 2026-01-01\n") == "line 1: dates and times are not used here");
    CHECK(message("a = " + std::string(5000, '[')).starts_with("line 1, column"));
    CHECK(message("a = \"\xff\"").starts_with("line 1, column"));
    CHECK(message("a = 99999999999999999999").starts_with("line 1, column"));
    CHECK(message(std::string(max_toml_bytes + 1, '\n')).starts_with("larger than"));
  }
}

} // namespace dstack::codec
