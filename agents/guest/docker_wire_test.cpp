#include "guest/docker_wire.hpp"

#include "guest/app.hpp"

#include <doctest/doctest.h>

using namespace std::string_view_literals;

namespace dstack::guest {

namespace {

/// Two containers as dockerd 26.1 lists them, shortened to what is read.
constexpr std::string_view listing = R"([
 {"Id":"aaaa1111","Names":["/demo-web-1"],"Image":"sha256:00","ImageID":"sha256:00","Created":1700000000,
  "State":"running","Status":"Up 2 seconds","Labels":{"com.docker.compose.service":"web"},
  "Ports":[{"IP":"0.0.0.0","PrivatePort":8080,"PublicPort":80,"Type":"tcp"},
           {"IP":"::","PrivatePort":8080,"PublicPort":80,"Type":"tcp"},{"PrivatePort":9000,"Type":"tcp"}]},
 {"Id":"aaaa2222","Names":["/demo-db-1"],"Image":"db","ImageID":"sha256:01","Created":1,
  "State":"exited","Status":"Exited (3) 2 seconds ago","Labels":{},"Ports":[]}])";

} // namespace

TEST_SUITE("guest::parse_containers")
{
  TEST_CASE("names, services, states and published ports are read")
  {
    const auto all = parse_containers(listing);
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    const Container& web = all->front();
    CHECK(web.names == std::vector<std::string>{"demo-web-1"});
    CHECK(web.service == "web");
    CHECK(web.ports == std::vector<PublishedPort>{{80, 8080, "tcp"}});
    CHECK_FALSE(web.exit_code());
    CHECK(all->back().exit_code() == 3);
  }

  TEST_CASE("a container is found by service, name, id and unambiguous prefix")
  {
    const auto all = parse_containers(listing);
    REQUIRE(all);
    for (const auto wanted : {"web", "demo-web-1", "aaaa1111", "aaaa1"}) {
      const auto found = find_container(*all, wanted);
      REQUIRE(found);
      CHECK(found->id == "aaaa1111");
    }
    CHECK(find_container(*all, "aaaa").error().code() == Errc::usage);
    const auto none = find_container(*all, "cache");
    REQUIRE_FALSE(none);
    CHECK(none.error().message() == "no container \"cache\" (there are: web, demo-db-1)");
  }

  TEST_CASE("what is no list of containers is refused")
  {
    for (const auto bad : {"", "{}", "[1]", "[{}]", R"([{"Id":1}])",
                           R"([{"Id":"a","Ports":[{"PublicPort":70000}]}])"})
      CHECK_FALSE(parse_containers(bad));
  }

  TEST_CASE("only a plain exit status is an exit code")
  {
    Container container;
    for (const auto status :
         {"Up 3 seconds", "Exited", "Exited (", "Exited (x) now", "Exited (999) now"}) {
      container.status = status;
      CHECK_FALSE(container.exit_code());
    }
    container.status = "Exited (0) now";
    CHECK(container.exit_code() == 0);
  }
}

TEST_SUITE("guest::death_in_event")
{
  TEST_CASE("only a container that ended with an error counts")
  {
    constexpr std::string_view died =
        R"({"Type":"container","Action":"die","Actor":{"ID":"a","Attributes":{"exitCode":"137",)"
        R"("com.docker.compose.service":"web"}}})";
    CHECK(death_in_event(died) == "service web ended with status 137");
    for (const auto other :
         {"", "{}", R"({"Actor":{}})", R"({"Actor":{"Attributes":{"exitCode":"0"}}})"})
      CHECK_FALSE(death_in_event(other));
  }
}

TEST_SUITE("guest::error_in_stream")
{
  TEST_CASE("the error among progress lines is found")
  {
    CHECK_FALSE(error_in_stream("{\"stream\":\"Loaded image: web\"}\r\n"));
    const auto error =
        error_in_stream("{\"stream\":\"x\"}\n{\"error\":\"no space left on device\"}\n");
    REQUIRE(error);
    CHECK(*error == "no space left on device");
    CHECK(error_message(R"({"message":"No such image"})") == "No such image");
    CHECK(error_message("plain") == "plain");
  }
}

} // namespace dstack::guest
