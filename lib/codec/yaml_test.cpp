#include "codec/yaml.hpp"

#include <doctest/doctest.h>

namespace dstack::codec {

namespace {

std::string json_of(std::string_view text)
{
  const auto tree = parse_yaml(text, "f");
  return tree ? write_json(yaml_to_json(*tree)) : tree.error().message();
}

std::string spelled(std::string_view text, std::string_view key)
{
  const auto tree = parse_yaml(text, "f");
  REQUIRE(tree);
  const Yaml* node = tree->find(key);
  REQUIRE(node != nullptr);
  return std::string{text.substr(node->begin, node->end - node->begin)};
}

} // namespace

TEST_SUITE("codec::yaml")
{
  TEST_CASE("scalars mean what Go's yaml.v3 makes of them")
  {
    CHECK(json_of("[yes, No, on, OFF, y, tRUE]") == R"(["yes","No","on","OFF","y","tRUE"])");
    CHECK(json_of("[true, True, FALSE, ~, null, NULL, , '']").starts_with("f:1:")); // empty item
    CHECK(json_of("[true, True, FALSE, ~, null, NULL, '']") ==
          R"([true,true,false,null,null,null,""])");
    CHECK(json_of("[010, 0o17, 0x1f, 0b11, 1_000, -0x10, +5, 08, 0_8, 0777]") ==
          "[8,15,31,3,1000,-16,5,8.0,8.0,511]");
    CHECK(json_of("[1.5, .5, 1., 1e3, -.5, 1_0.5]") == "[1.5,0.5,1.0,1000.0,-0.5,10.5]");
    CHECK(json_of("[12:30, 0b12, 0x, _1, +, ., ._5, 1e400, 0.1.2, <<, =]") ==
          R"(["12:30","0b12","0x","_1","+",".","._5","1e400","0.1.2","<<","="])");
    CHECK(json_of("[18446744073709551615, -9223372036854775808]") ==
          "[18446744073709551615,-9223372036854775808]");
    CHECK(json_of(R"(["1", '2', !!str 3, ! 4])") == R"(["1","2","3","4"])");
  }

  TEST_CASE("block scalars, folding and escapes")
  {
    CHECK(json_of("a: |\n  x\n  y\nb: >-\n  x\n  y\nc: \"\\u00e9\\n\"") ==
          R"({"a":"x\ny\n","b":"x y","c":"é\n"})");
  }

  TEST_CASE("anchors, aliases and merge keys")
  {
    CHECK(json_of("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}") ==
          R"({"a":{"x":1,"y":2},"b":{"y":3,"x":1}})");
    CHECK(json_of("a: &a {x: 1}\nb: &b {x: 2, z: 4}\nc: {<<: [*b, *a]}") ==
          R"({"a":{"x":1},"b":{"x":2,"z":4},"c":{"x":2,"z":4}})");
    CHECK(json_of("{'<<': {x: 1}}") == R"({"<<":{"x":1}})");
    CHECK(json_of("a: {<<: 1}") == "f:1:5: '<<' wants a map or a list of maps");
    CHECK(json_of("a: &a {<<: *a}") == "f:1:12: alias *a before the end of its anchor");
    CHECK(json_of("[*x]") == "f:1:2: alias *x before the end of its anchor");
  }

  TEST_CASE("what is ambiguous is refused with its place")
  {
    CHECK(json_of("a: 1\nb: 2\na: 3\n") == "f:3:1: key 'a' twice (first on line 1)");
    CHECK(json_of("{<<: {a: 1}, <<: {b: 1}}") == "f:1:14: key '<<' twice (first on line 1)");
    CHECK(json_of("a: 1\n---\nb: 2\n") == "f:2:1: a second document begins (only one is allowed)");
    CHECK(json_of("? [a]\n: b\n") == "f:1:3: a list or map as key");
    CHECK(json_of("a:\n\tb: 1\n") ==
          "f:2:1: while scanning for the next token found character that cannot start any token");
    CHECK(json_of("a: [1\nb: 2") ==
          "f:2:2: while parsing a flow sequence did not find expected ',' or ']'");
    CHECK(json_of("a: \xff") == "f:1:1: not UTF-8");
    CHECK(json_of("a: 1\nb: \x01") == "f:2:4: control characters are not allowed");
    CHECK(json_of("") == "null");
    CHECK(json_of({}) == "null");
  }

  TEST_CASE("limits hold while reading, aliases count at full size")
  {
    CHECK(json_of(std::string(200'000, '[')) == "f:1:33: nested deeper than 32");
    std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 8; ++i) {
      bomb += fmt::format("a{}: &a{} [", i, i);
      for (int k = 0; k < 10; ++k)
        bomb += fmt::format("{}*a{}", k == 0 ? "" : ",", i - 1);
      bomb += "]\n";
    }
    CHECK(json_of(bomb).find("more than 100000 nodes, counting what aliases repeat") !=
          std::string::npos);
    CHECK(json_of(std::string((1U << 20U) + 1, ' ')) == "f:1:1: 1048577 bytes (limit 1048576)");
  }

  TEST_CASE("every scalar knows its bytes, also after characters of several bytes")
  {
    CHECK(spelled("é: ü\nimage: nginx:1 # x\n", "image") == "nginx:1");
    CHECK(spelled("image: \"a\\u0062\" \n", "image") == "\"a\\u0062\"");
    CHECK(spelled("image: &x !!str\n  # why\n  'a'\n", "image") == "'a'");
    CHECK(spelled("image: &x ::a\n", "image") == "::a");
    CHECK(spelled("image: &x::a\n", "image") == "::a");
    CHECK(spelled("x: &i a\nimage: *i\n", "image") == "*i");
    // A comment behind a tag ends at any of YAML's line breaks.
    for (const std::string end : {"\n", "\r", "\r\n", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"})
      CHECK(spelled("image: !!str # note" + end + "  abc" + end, "image") == "abc");
    CHECK(spelled("\xef\xbb\xbfimage: a\r\n", "image") == "a");
    CHECK(spelled("a: {image: b, c: d}\nimage: x", "image") == "x");
    const auto tree = parse_yaml("a:\n  - b: c\n", "f");
    CHECK(tree->find("a")->items[0].find("b")->at.line == 2);
    CHECK(tree->find("a")->items[0].find("b")->at.column == 8);
  }

  TEST_CASE("every truncation of a document is read or refused, never more")
  {
    const std::string text = "a: &a [1, 'x', \"y\"]\nb: {<<: {c: *a}}\nd: |\n  e\n";
    for (std::size_t n = 0; n < text.size(); ++n)
      static_cast<void>(json_of(std::string_view{text}.substr(0, n)));
  }
}

} // namespace dstack::codec
