#include "route/app_name.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

std::string label_line(std::string_view label)
{
  const auto got = parse_app_label(label);
  if (!got) return "no";
  return fmt::format("{} {} {}", got->id, got->port, name_of(got->mode));
}

} // namespace

TEST_SUITE("route::app_name")
{
  TEST_CASE("the published vectors of the label's grammar")
  {
    CHECK(label_line("a") == "a 80 terminate");
    CHECK(label_line("a-8080") == "a 8080 terminate");
    CHECK(label_line("a-443s") == "a 443 passthrough");
    CHECK(label_line("a-s") == "a 443 passthrough");
    CHECK(label_line("a-8443s") == "a 8443 passthrough");
    CHECK(label_line("as") == "as 80 terminate");
    CHECK(label_line("a-50051g") == "a 50051 terminate-h2");
    CHECK(label_line("a-g") == "a 80 terminate-h2");
    CHECK(label_line("a-gs") == "no");
    CHECK(label_line("a-sg") == "no");
    CHECK(label_line("a-1-2") == "no");
  }

  TEST_CASE("suffixes that do not exist, and ports that are none, are refused")
  {
    for (const std::string_view bad :
         {"", "-", "-80", "a-h", "a-80h", "a-80p", "a-ss", "a-80ss", "a-65536", "a-0", "a-0s",
          "a--", "a--80", "a-+80", "a- 80", "a-99999999999999999999", "A", "a.b", "a-8080S"}) {
      CAPTURE(bad);
      CHECK(label_line(bad) == "no");
    }
    CHECK(label_line("a-65535") == "a 65535 terminate");
    CHECK(label_line("a-0080") == "a 80 terminate");
    CHECK(label_line("a-") == "a 80 terminate");
  }

  TEST_CASE("an app id, an instance id and special names are the same to the grammar")
  {
    CHECK(label_line("3327603e03f5bd1f830812ca4a789277fc31f577-8443s") ==
          "3327603e03f5bd1f830812ca4a789277fc31f577 8443 passthrough");
    CHECK(label_line("gateway") == "gateway 80 terminate");
    CHECK(label_line("health") == "health 80 terminate");
    CHECK(label_line("gateway-g") == "gateway 80 terminate-h2");
  }

  TEST_CASE("the error says what a name looks like")
  {
    CHECK(parse_app_label("a-http").error().message() ==
          "\"a-http\" (want ID, ID-PORT, ID-PORTs or ID-PORTg): \"http\" is no port");
    CHECK(parse_app_label("").error().message() == "\"\" names no app");
  }

  TEST_CASE("only names one label below a domain are the gateway's, with or without a certificate")
  {
    const std::vector<std::string> domains = {"example.com", "apps.example.com", "local"};
    const auto below = [&](std::string_view host) {
      const auto got = name_below(host, domains);
      return got ? fmt::format("{} {}", got->label, got->domain) : "custom";
    };
    CHECK(below("a-80.example.com") == "a-80 example.com");
    CHECK(below("a.apps.example.com") == "a apps.example.com");
    CHECK(below("apps.example.com") == "apps example.com");
    CHECK(below("a.local") == "a local");
    CHECK(below("example.com") == "custom");
    CHECK(below("local") == "custom");
    CHECK(below("b.a.example.com") == "custom");
    CHECK(below("a.xexample.com") == "custom");
    CHECK(below(".example.com") == "custom");
    CHECK(below("") == "custom");
  }
}

} // namespace dstack::route
