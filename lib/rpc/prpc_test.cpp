#include "rpc/prpc.hpp"

#include <doctest/doctest.h>

namespace dstack::rpc {
namespace {

using codec::Json;

Result<Json> echo(const Json& params)
{
  return params;
}

Service service()
{
  Service out;
  out.trimmed_prefix = "Tappd.";
  out.methods["Echo"] = echo;
  out.methods["Nothing"] = Method{{}, {}, [](const Json&) -> Result<Json> { return Json{}; }};
  out.methods["Fails"] = [](const Json&) -> Result<Json> {
    return Error{fail(Errc::io, "inner {}", "\xff\n")}.within("outer");
  };
  const std::vector<Field> fields = {
      {1, "path", FieldKind::text},     {2, "data", FieldKind::bytes},
      {3, "usage", FieldKind::boolean}, {4, "until", FieldKind::u64, Need::optional},
      {5, "names", FieldKind::texts},   {6, "keys", FieldKind::bytes_list}};
  out.methods["Typed"] = Method{fields, fields, echo};
  return out;
}

http::Request request(std::string method, std::string target, std::string body)
{
  http::Request out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.body = std::move(body);
  return out;
}

std::string ask(const char* method, std::string target, std::string body)
{
  http::Request asked = request(method, std::move(target), std::move(body));
  asked.headers.push_back({"Content-Type", "application/json"});
  const auto response = answer(service(), asked);
  REQUIRE(response.headers.size() == 1);
  CHECK(response.headers[0].value == "application/json");
  return fmt::format("{} {}", response.status, response.body);
}

std::string error_of(std::string_view message)
{
  return fmt::format("400 {{\n  \"error\": \"{}\"\n}}", message);
}

} // namespace

TEST_SUITE("rpc::prpc")
{
  TEST_CASE("trap 2: paths, bodies and errors have the published shape")
  {
    CHECK(ask("POST", "/Echo", "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}") ==
          "200 {\"a\":\"\\u00e9\\ud83d\\ude00\"}");
    CHECK(ask("POST", "/Tappd.Tappd.Echo", "") == "200 {}");
    CHECK(ask("POST", "/echo", "") == error_of("Service not found: echo"));
    CHECK(ask("GET", "/Echo?a=x%20y&l[0]=1&l[1]=2&json&b=true", "") ==
          "200 {\"a\":\"x y\",\"l\":[\"1\",\"2\"],\"b\":\"true\"}");
    CHECK(ask("POST", "/EmitEvent", "{}") == error_of("Service not found: EmitEvent"));
    CHECK(ask("POST", "/Echo", "{\"a\":1,\"a\":2}")
              .starts_with("400 {\n  \"error\": \"JSON: key 'a' twice"));
    CHECK(ask("POST", "/Echo", "[]").starts_with("400 "));
    CHECK(ask("POST", "/Echo", "{\"a\":").starts_with("400 "));
    CHECK(ask("PUT", "/Echo", "{}").starts_with("404 "));
    for (const char* path : {"/a/b", "/Echo/", "/", "", "*", "http://h/a/b"})
      CHECK(ask("POST", path, "{}").starts_with("404 "));
    CHECK(ask("POST", "http://h/Echo", "") == "200 {}"); // as the Rust SDK asks
    CHECK(ask("POST", "/\xff\"", "") == error_of("Service not found: ?\\\""));
    CHECK(ask("POST", "/Fails", "") == error_of("outer: inner ?\\n"));
  }

  TEST_CASE("trap 3: a method without a request message does not read one; its null is four bytes")
  {
    CHECK(ask("POST", "/Nothing", "") == "200 null");
    CHECK(ask("POST", "/Nothing", "\x01not json") == "200 null");
    CHECK(ask("GET", "/Nothing?%zz", "") == "200 null");
  }

  TEST_CASE("declared fields are checked, filled in, and put in order; others are dropped")
  {
    const std::string defaults =
        "200 {\"path\":\"\",\"data\":\"\",\"usage\":false,\"until\":null,\"names\":[],\"keys\":[]}";
    CHECK(ask("POST", "/Typed", "") == defaults);
    CHECK(ask("GET", "/Typed", "") == defaults);
    CHECK(ask("POST", "/Typed", "{\"extra\":{},\"usage_ra\":1}") == defaults);
    const std::string full = "200 {\"path\":\"true\",\"data\":\"00ff\",\"usage\":true,\"until\":7,"
                             "\"names\":[\"a\",\"b\"],\"keys\":[\"ab\"]}";
    CHECK(ask("POST", "/Typed",
              R"({"keys":["0xAB"],"names":["a","b"],"until":7,"usage":true,"data":"0x0x00FF",)"
              R"("path":"true"})") == full);
    CHECK(ask("GET",
              "/Typed?path=true&data=00FF&usage=true&until=7&names[0]=a&names[1]=b&keys[0]=ab",
              "") == full);
    CHECK(ask("POST", "/Typed", "{\"until\":null}") == defaults);
  }

  TEST_CASE("values of the wrong kind are refused by name")
  {
    const auto refused = [](const char* method, const std::string& target, const char* body,
                            const char* name) {
      CAPTURE(target);
      CAPTURE(body);
      CHECK(
          ask(method, target, body).starts_with(fmt::format("400 {{\n  \"error\": \"{}: ", name)));
    };
    refused("POST", "/Typed", "{\"path\":null}", "path");
    refused("POST", "/Typed", "{\"path\":1}", "path");
    refused("POST", "/Typed", "{\"data\":\"abc\"}", "data");
    refused("POST", "/Typed", "{\"data\":\"zz\"}", "data");
    refused("POST", "/Typed", "{\"usage\":\"true\"}", "usage");
    refused("POST", "/Typed", "{\"until\":\"7\"}", "until");
    refused("POST", "/Typed", "{\"until\":-1}", "until");
    refused("POST", "/Typed", "{\"names\":\"a\"}", "names");
    refused("POST", "/Typed", "{\"names\":[1]}", "names");
    refused("GET", "/Typed?usage=yes", "", "usage");
    refused("GET", "/Typed?until=x", "", "until");
    refused("GET", "/Typed?names=a", "", "names");
    for (const char* query :
         {"path=a&path=b", "names=a&names[0]=b", "names[x]=1", "names[0=1", "path=%f", "path=%ff"})
      CHECK(ask("GET", std::string{"/Typed?"} + query, "").starts_with("400 "));
    CHECK(ask("GET", "/Typed?path=" + std::string(20'000, 'x'), "").starts_with("400 "));
  }

  TEST_CASE("the encoding is chosen as the published servers do")
  {
    const auto of = [](const char* method, const char* target, const char* type) {
      http::Request asked = request(method, target, "");
      if (*type != '\0') asked.headers.push_back({"content-type", type});
      return encoding_of(asked);
    };
    CHECK(of("GET", "/A", "") == Encoding::json);
    CHECK(of("POST", "/A?json", "") == Encoding::json);
    CHECK(of("POST", "/A?x=1&json=true", "") == Encoding::json);
    CHECK(of("POST", "/A?json=0", "") == Encoding::protobuf);
    CHECK(of("POST", "/A", "Application/JSON; charset=utf-8") == Encoding::json);
    CHECK(of("POST", "/A", "application/octet-stream") == Encoding::protobuf);
    CHECK(of("POST", "/A", "") == Encoding::protobuf);
    http::Request bare = request("POST", "/A", " {}");
    CHECK(encoding_of(bare) == Encoding::json);
    CHECK(ask("POST", "/Echo", "\x0a\x01x").starts_with("400 "));
  }

  TEST_CASE("protobuf in, protobuf out, errors too")
  {
    const auto send = [](const char* target, std::string_view body_hex) {
      const auto response =
          answer(service(), request("POST", target, to_text(*parse_hex(body_hex))));
      CHECK(response.headers[0].value == "application/octet-stream");
      return fmt::format("{} {}", response.status, hex(as_bytes(response.body)));
    };
    CHECK(send("/Typed", "") == "200 ");
    // path "p", data 00ff, usage true, until 300, names a b, keys ab; then an unknown field 9.
    const std::string full = "0a0170"
                             "120200ff"
                             "1801"
                             "20ac02"
                             "2a0161"
                             "2a0162"
                             "3201ab";
    CHECK(send("/Typed", full + "4a03616263") == "200 " + full);
    CHECK(send("/Nowhere", "") == "400 0a1a" + hex(as_bytes("Service not found: Nowhere")));
    CHECK(send("/Typed", "0a05").starts_with("400 0a"));                   // cut off
    CHECK(send("/Typed", "0a01ff").starts_with("400 0a"));                 // not UTF-8
    CHECK(send("/Typed", "0b").starts_with("400 0a"));                     // a group
    CHECK(send("/Typed", "0000").starts_with("400 0a"));                   // field 0
    CHECK(send("/Typed", "18ffffffffffffffffff7f").starts_with("400 0a")); // 65 bits and more
    CHECK(send("/Nothing", "ff") == "200 ");
    CHECK(send("/Echo", "0a").starts_with("400 0a"));
  }

  TEST_CASE("a method may answer later, also when its service is gone")
  {
    Method::Done finish;
    std::vector<http::Response> sent;
    const auto keep = [&sent](http::Response response) { sent.push_back(std::move(response)); };
    {
      Service slow;
      const std::vector<Field> fields = {{1, "text"}};
      slow.methods["Slow"] = Method::later(
          fields, fields, [&](const Json&, Method::Done done) { finish = std::move(done); });
      answer(slow, request("POST", "/Slow", "\x0a\x01x"), keep);
      CHECK(sent.empty());
      CHECK(answer(slow, request("GET", "/Slow", "")).status == 400); // who cannot wait
      answer(slow, request("POST", "/Slow?json", "{"), keep);         // refused at once
      REQUIRE(sent.size() == 1);
      CHECK(sent[0].status == 400);
      answer(slow, request("POST", "/Slow", "\x0a\x01x"), keep);
    }
    finish(Json{}.set("text", "y"));
    REQUIRE(sent.size() == 2);
    CHECK(sent[1].status == 200);
    CHECK(sent[1].body == "\x0a\x01y");
    finish(fail(Errc::io, "no"));
    CHECK(sent[2].status == 400);
  }
}

} // namespace dstack::rpc
