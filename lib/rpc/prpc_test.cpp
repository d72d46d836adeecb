
#include "base/text.hpp"
#include "rpc/prpc.hpp"

#include <doctest/doctest.h>

namespace dstack::rpc {

using codec::Json;

TEST_SUITE("rpc::prpc")
{
  TEST_CASE("paths, bodies and errors have the published shape")
  {
    Service service;
    service.trimmed_prefix = "Tappd.";
    service.methods["Echo"] = [](const Json& params) -> Result<Json> { return params; };
    service.methods["Nothing"] = [](const Json&) -> Result<Json> { return Json{}; };
    const auto ask = [&](const char* method, const char* target, const char* body) {
      const auto response =
          answer(service, {.method = method, .target = target, .headers = {}, .body = body});
      return fmt::format("{} {}", response.status, response.body);
    };
    CHECK(ask("POST", "/Echo", "{\"a\":\"\xc3\xa9\"}") == "200 {\"a\":\"\\u00e9\"}");
    CHECK(ask("POST", "/Tappd.Tappd.Echo", "") == "200 {}");
    CHECK(ask("GET", "/Echo?a=x%20y&l[0]=1&l[1]=2&json&b=true", "") ==
          "200 {\"a\":\"x y\",\"l\":[\"1\",\"2\"],\"b\":true}");
    CHECK(ask("POST", "/Nothing", "") == "200 null");
    CHECK(ask("POST", "/EmitEvent", "{}") ==
          "400 {\n  \"error\": \"Service not found: EmitEvent\"\n}");
    CHECK(ask("POST", "/Echo", "{\"a\":1,\"a\":2}")
              .starts_with("400 {\n  \"error\": \"JSON: key 'a' twice"));
    CHECK(ask("POST", "/Echo", "[]").starts_with("400 "));
    CHECK(ask("PUT", "/Echo", "{}").starts_with("404 "));
    CHECK(ask("GET", "/a/b", "").starts_with("404 "));
  }
}

} // namespace dstack::rpc
