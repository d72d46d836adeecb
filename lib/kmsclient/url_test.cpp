#include "kmsclient/url.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsclient {

TEST_SUITE("kmsclient::url")
{
  TEST_CASE("addresses of a KMS are read into host, port and path")
  {
    const auto plain = parse_url("https://kms.example.com");
    REQUIRE(plain);
    CHECK(plain->host == "kms.example.com");
    CHECK(plain->port == 443);
    CHECK(plain->path.empty());
    const auto full = parse_url("https://10.0.2.2:8000/kms/");
    REQUIRE(full);
    CHECK(full->host == "10.0.2.2");
    CHECK(full->port == 8000);
    CHECK(full->path == "/kms");
    CHECK(full->text == "https://10.0.2.2:8000/kms");
    CHECK(parse_url("https://kms.example.com/a/prpc//prpc/")->text == "https://kms.example.com/a");
    const auto v6 = parse_url("https://[::1]:8000/prpc"); // as other agents store it
    REQUIRE(v6);
    CHECK(v6->host == "::1");
    CHECK(v6->port == 8000);
    CHECK(v6->path.empty());
    CHECK(v6->text == "https://[::1]:8000");
    CHECK(parse_url("https://[::1]")->port == 443);
  }

  TEST_CASE("what is no https address of a host alone is refused")
  {
    for (const char* bad : {"",
                            "https://",
                            "https:///x",
                            "http://kms:8000",
                            "kms:8000",
                            "HTTPS://kms",
                            "https://kms:",
                            "https://kms:0",
                            "https://kms:65536",
                            "https://kms:80x",
                            "https://kms:8000:1",
                            "https://user@kms",
                            "https://kms?x",
                            "https://kms/#x",
                            "https://k ms",
                            "https://kms\n",
                            "https://[::1",
                            "https://[::1]8000",
                            "https://[::1]:",
                            "https://k$ms",
                            "https:///prpc", "https:///prpc/prpc/",
                            "https://\xc3\xa9"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_url(bad));
    }
    CHECK_FALSE(parse_url("https://" + std::string(max_url, 'a')));
    CHECK(parse_urls({}).error().message() == "No KMS URLs are set");
    CHECK(parse_url("http://gw", "gateway").error().message() ==
          "gateway URL 'http://gw': a gateway is asked over https only");
    CHECK_FALSE(parse_urls(std::vector<std::string>(max_urls + 1, "https://a")));
    CHECK(parse_urls({"https://a", "https://b:1"})->size() == 2);
  }
}

} // namespace dstack::kmsclient
