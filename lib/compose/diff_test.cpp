#include "compose/diff.hpp"

#include <doctest/doctest.h>

namespace dstack::compose {

namespace {

std::string drawn(const std::vector<LineChange>& lines)
{
  std::string out;
  for (const LineChange& line : lines)
    out += (line.kind == LineKind::same      ? ' '
            : line.kind == LineKind::removed ? '-'
                                             : '+') +
           line.text + "\n";
  return out;
}

} // namespace

TEST_SUITE("compose: differences")
{
  TEST_CASE("lines")
  {
    CHECK(drawn(diff_lines("a\nb\nc\n", "a\nx\nc\n")) == " a\n-b\n+x\n c\n");
    CHECK(drawn(diff_lines("", "a\n")) == "+a\n");
    CHECK(drawn(diff_lines("a\nb\n", "b\n")) == "-a\n b\n");
    CHECK(drawn(diff_lines("a\na\n", "a\na\na\n")) == " a\n a\n+a\n");
    CHECK(drawn(with_context(diff_lines("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n6\n"), 1)) ==
          " 4\n-5\n+6\n");
  }

  TEST_CASE("fields, compose text and environment files of an app")
  {
    const auto before = parse_app_compose(
        R"({"manifest_version":2,"name":"a","runner":"docker-compose","x":{"y":1,"z":2},)"
        R"("docker_compose_file":"a\n","env_files":{"e":"A=1\n"}})");
    const auto after = parse_app_compose(
        R"({"manifest_version":2,"name":"b","runner":"docker-compose","x":{"y":1,"z":3},)"
        R"("public_logs":true,"docker_compose_file":"b\n"})");
    const AppDiff diff = diff_apps(*before, *after);
    REQUIRE(diff.fields.size() == 3);
    CHECK(diff.fields[0].field == "name");
    CHECK(diff.fields[1].field == "public_logs");
    CHECK_FALSE(diff.fields[1].before);
    CHECK(diff.fields[2].field == "x.z");
    CHECK(*diff.fields[2].after == codec::Json{3});
    CHECK(drawn(diff.compose) == "-a\n+b\n");
    CHECK(diff.env_files[0].path == "e");
    CHECK(drawn(diff.env_files[0].lines) == "-A=1\n");
    CHECK(diff_apps(*before, *before).empty());
  }
}

} // namespace dstack::compose
