#include "kms/webhook.hpp"

#include "kms/test_result.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::kms;
using test::why;

namespace {

constexpr std::string_view url = "http://auth:8000";

} // namespace

TEST_SUITE("kms::webhook")
{
  TEST_CASE("the address takes the role, with or without a slash at its end")
  {
    CHECK(boot_auth_url("http://a:1", Role::app) == "http://a:1/bootAuth/app");
    CHECK(boot_auth_url("http://a:1//", Role::kms) == "http://a:1/bootAuth/kms");
  }

  TEST_CASE("an answer is a decision, with gateway and reason")
  {
    const auto yes =
        decision_of(url, 200, R"({"isAllowed":true,"gatewayAppId":"g","reason":"","more":1})");
    REQUIRE(yes);
    CHECK(yes->allowed);
    CHECK(yes->gateway_app_id == "g");
    CHECK(yes->reason.empty());
    const auto no = decision_of(
        url, 200, R"({"isAllowed":false,"gatewayAppId":"g","reason":"app not registered"})");
    REQUIRE(no);
    CHECK_FALSE(no->allowed);
    CHECK(no->reason == "app not registered");
    CHECK(no->gateway_app_id == "g");
    CHECK(no->checks.size() == 1);
    const auto silent =
        decision_of(url, 201, R"({"isAllowed":false,"gatewayAppId":"","reason":""})");
    CHECK(silent->reason == "the webhook gives no reason");
  }

  TEST_CASE("trap 3: anything but a whole answer refuses")
  {
    for (const char* body :
         {"", "null", "[]", "true", "OK", "<html>", R"({"isAllowed":true})",
          R"({"isAllowed":true,"gatewayAppId":""})", R"({"isAllowed":true,"reason":""})",
          R"({"gatewayAppId":"","reason":""})",
          R"({"isAllowed":"true","gatewayAppId":"","reason":""})",
          R"({"isAllowed":1,"gatewayAppId":"","reason":""})",
          R"({"isAllowed":null,"gatewayAppId":"","reason":""})",
          R"({"isAllowed":true,"gatewayAppId":null,"reason":""})",
          R"({"isAllowed":true,"gatewayAppId":"","reason":7})",
          R"({"isAllowed":false,"isAllowed":true,"gatewayAppId":"","reason":""})",
          R"({"isAllowed":true,"gatewayAppId":"","reason":""} x)"}) {
      CAPTURE(body);
      const auto answer = decision_of(url, 200, body);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().code() == Errc::denied);
    }
    constexpr std::string_view good = R"({"isAllowed":true,"gatewayAppId":"","reason":""})";
    for (const unsigned status : {0U, 100U, 199U, 300U, 302U, 400U, 401U, 500U, 503U}) {
      CAPTURE(status);
      CHECK_FALSE(decision_of(url, status, good));
    }
    CHECK_FALSE(decision_of(url, 200, std::string(good) + std::string(max_webhook_body, ' ')));
    CHECK(why(decision_of(url, 500, "broken")) == "auth api http://auth:8000 returned 500: broken");
  }

  TEST_CASE("trap 25: bodies in errors are cut between characters")
  {
    const std::string body(511, 'a');
    for (const char* wide : {"é", "€", "😀"}) {
      const std::string shown = why(decision_of(url, 500, body + wide + "tail"));
      CHECK(is_utf8(shown));
      CHECK(shown.ends_with("a"));
    }
    CHECK(cut_text("aé", 3) == "aé");
    CHECK(cut_text("aé", 2) == "a");
    CHECK(cut_text("aé", 1) == "a");
    CHECK(cut_text("", 0).empty());
    CHECK(cut_text("é", 0).empty());
    CHECK(cut_text("\x80\x80\x80\x80\x80\x80\x80\x80", 4).size() <= 4);
    CHECK(cut_text("a\x1b[31m\xff", 100) == "a?[31m?");
    for (std::size_t max = 0; max < 12; ++max)
      CHECK(is_utf8(cut_text("a€😀é\xf0\x9f", max)));
  }

  TEST_CASE("trap 25: credentials of an address are never shown")
  {
    CHECK(redact_url("https://host:1/a/b") == "https://host:1/a/b");
    CHECK(redact_url("https://user:pw@host/a?token=x#y") == "https://***@host/a?***");
    CHECK(redact_url("https://user:p@w@host") == "https://***@host");
    for (const char* secret : {"http://u:SECRET@h/", "http://SECRET@h", "h/?q=SECRET",
                               "http://h/a?SECRET", "http://h#SECRET", "http://u:a/SECRET@h/x",
                               "http://u:a?SECRET@h/x", "http://u:#SECRET@h/"}) {
      CAPTURE(secret);
      CHECK(redact_url(secret).find("SECRET") == std::string::npos);
      CHECK(why(decision_of(secret, 500, "no")).find("SECRET") == std::string::npos);
      CHECK(why(decision_of(secret, 200, "{}")).find("SECRET") == std::string::npos);
      const Error failed =
          webhook_failed(secret, fail(Errc::timeout, "no answer from {} within 5s", secret));
      CHECK(failed.message().find("SECRET") == std::string::npos);
      CHECK(failed.code() == Errc::denied);
    }
    CHECK(scheme_and_host("https://u:p@h:1/v3/KEY?a#b") == "https://h:1");
    CHECK(scheme_and_host("https://h/KEY@x") == "https://x");
    CHECK(scheme_and_host("h?KEY") == "h");
    CHECK(scheme_and_host("").empty());
    CHECK(webhook_failed("http://a", fail(Errc::io, "refused")).message() ==
          "auth api http://a: refused");
  }

  TEST_CASE("the info answer needs its five members and hides the RPC key")
  {
    constexpr std::string_view good =
        R"({"status":"ok","kmsContractAddr":"0x00","gatewayAppId":"g","chainId":1337,"appImplementation":"0x01","ethRpcUrl":"https://u:p@rpc.example/v3/SECRET?k=1"})";
    const auto info = webhook_info_of(url, 200, good);
    REQUIRE(info);
    CHECK(info->chain_id == 1337);
    CHECK(info->eth_rpc_url == "https://rpc.example");
    CHECK(why(webhook_info_of(url, 200, R"({"status":"ok"})")) ==
          "auth api http://auth:8000: 'kmsContractAddr' is missing");
    CHECK(webhook_info_of(url, 500, good).error().code() == Errc::malformed);
    CHECK_FALSE(webhook_info_of(
        url, 200,
        R"({"status":"ok","kmsContractAddr":"","gatewayAppId":"","chainId":"1","appImplementation":""})"));
  }
}
