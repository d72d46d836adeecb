#include "acme/caa.hpp"
#include "acme/challenge.hpp"
#include "acme/jws.hpp"
#include "acme/renewal.hpp"
#include "crypto/hash.hpp"
#include "crypto/p256_public.hpp"
#include "x509/read.hpp"
#include "x509/request.hpp"

#include <doctest/doctest.h>

namespace dstack::acme {
namespace {

using codec::Json;

/// The key of RFC 7515 appendix A.3.
crypto::P256Key rfc_key()
{
  return *crypto::P256Key::from_scalar(
      *parse_base64url("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"));
}

constexpr Time now{1'800'000'000'000};
constexpr std::int64_t day = 86'400'000;

CaaRecord record(std::string tag, std::string value)
{
  return {0, std::move(tag), std::move(value)};
}

} // namespace

TEST_SUITE("acme::jws")
{
  TEST_CASE("base64url, without padding in either direction")
  {
    CHECK(base64url(Bytes{0xfb, 0xff, 0xfe}) == "-__-");
    CHECK(base64url(Bytes{0xfb}) == "-w");
    CHECK(*parse_base64url("-w") == Bytes{0xfb});
    CHECK(!parse_base64url("-w=="));
    CHECK(!parse_base64url("+w"));
    CHECK(!parse_base64url("w"));
    CHECK(parse_base64url("")->empty());
  }

  TEST_CASE("the thumbprint of RFC 7515's key")
  {
    CHECK(write_json(public_jwk(rfc_key())) ==
          R"({"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
          R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
    CHECK(thumbprint(rfc_key()) == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
  }

  TEST_CASE("a request is signed over what is sent, by key or by account")
  {
    const auto key = rfc_key();
    const auto open = [&](const std::string& text) {
      const Json all = *codec::parse_json(text);
      const std::string input = *all.need_string("protected") + "." + *all.need_string("payload");
      const auto point = *crypto::P256Public::from_xy(key.public_xy());
      CHECK(point.verify_raw(crypto::sha256(as_bytes(input)),
                             *parse_base64url(*all.need_string("signature"))));
      return to_text(*parse_base64url(*all.need_string("protected"))) + " | " +
             to_text(*parse_base64url(*all.need_string("payload")));
    };
    CHECK(open(signed_request(key, {"https://a/x", "n1", "https://a/acct/1"}, "{}")) ==
          R"({"alg":"ES256","kid":"https://a/acct/1","nonce":"n1","url":"https://a/x"} | {})");
    CHECK(open(signed_request(key, {"https://a/x", "n1", ""}, "")) ==
          R"({"alg":"ES256","jwk":)" + write_json(public_jwk(key)) +
              R"(,"nonce":"n1","url":"https://a/x"} | )");
  }

  TEST_CASE("an account elsewhere binds with HMAC over our key")
  {
    const ExternalAccount external{"kid-1", SecretBytes{Bytes(32, 7)}};
    const Json bound = external_account_binding(external, rfc_key(), "https://a/new");
    CHECK(to_text(*parse_base64url(*bound.need_string("protected"))) ==
          R"({"alg":"HS256","kid":"kid-1","url":"https://a/new"})");
    const std::string input = *bound.need_string("protected") + "." + *bound.need_string("payload");
    CHECK(*bound.need_string("signature") ==
          base64url(crypto::hmac_sha256(Bytes(32, 7), as_bytes(input))));
  }

  TEST_CASE("a token is what may stand in a path")
  {
    CHECK(is_token("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"));
    for (const std::string& bad : {std::string{}, std::string{"../x"}, std::string{"a/b"},
                                   std::string{"a b"}, std::string{"a="}, std::string(513, 'a')})
      CHECK(!is_token(bad));
  }
}

TEST_SUITE("acme::challenge")
{
  TEST_CASE("what has to be in place for each kind of proof")
  {
    Authorization authorization;
    authorization.domain = "example.com";
    const Challenge challenge{ChallengeKind::dns_01, "https://a/c", "token-1", State::pending, {}};
    const Proof proof = make_proof(authorization, challenge, rfc_key());
    CHECK(proof.key_authorization == "token-1.oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    const auto digest = crypto::sha256(as_bytes(proof.key_authorization));
    CHECK(dns_01_record(proof).name == "_acme-challenge.example.com");
    CHECK(dns_01_record(proof).value == base64url(digest));
    CHECK(http_01_resource(proof).path == "/.well-known/acme-challenge/token-1");
    CHECK(http_01_resource(proof).body == proof.key_authorization);
    const auto key = crypto::P256Key::generate();
    const Bytes der = *tls_alpn_01_certificate(proof, key, now);
    CHECK(*x509::dns_names_of(der) == std::vector<std::string>{"example.com"});
    const auto read = *x509::read_certificate(der);
    REQUIRE(read.find("1.3.6.1.5.5.7.1.31") != nullptr);
    CHECK(hex(*read.find("1.3.6.1.5.5.7.1.31")) == "0420" + hex(digest));
    CHECK(read.not_before < now.seconds());
    CHECK(read.not_after > now.seconds());
  }
}

TEST_SUITE("acme::caa")
{
  TEST_CASE("records name the authority that issues, the account and the methods")
  {
    const auto records =
        *pinned_caa_records({"letsencrypt.org"}, "https://a/acct/1", {"dns-01", "tls-alpn-01"});
    REQUIRE(records.size() == 2);
    CHECK(records[0].text() == "0 issue \"letsencrypt.org;validationmethods=dns-01,tls-alpn-01;"
                               "accounturi=https://a/acct/1\"");
    CHECK(records[1].tag == "issuewild");
    CHECK(pinned_caa_records({"a", "b"}, "https://a/1", {})->size() == 4);
    CHECK(pinned_caa_records({"a"}, "https://a/1", {})->front().value ==
          "a;accounturi=https://a/1");
  }

  TEST_CASE("what would break out of a record is refused")
  {
    CHECK(!pinned_caa_records({}, "https://a/1", {}));
    CHECK(!pinned_caa_records({"a;b"}, "https://a/1", {}));
    CHECK(!pinned_caa_records({"a"}, "https://a/1;x=y", {}));
    CHECK(!pinned_caa_records({"a"}, "https://a/1\"", {}));
    CHECK(!pinned_caa_records({"a"}, "", {}));
    CHECK(!pinned_caa_records({"a"}, "https://a/1", {"dns 01"}));
  }

  TEST_CASE("a record as text, read back")
  {
    for (const CaaRecord& one : {record("issue", "ca.example;accounturi=https://a/1"),
                                 record("iodef", "mailto:a@example"), record("issuewild", "")})
      CHECK(*parse_caa_record(one.text()) == one);
    CHECK(parse_caa_record(" 128 tbs Unknown ")->flags == 128);
    for (const char* text : {"", "0", "0 issue", "0  \"ca\"", "256 issue \"ca\"", "x issue \"ca\"",
                             "-1 issue \"ca\"", "0 issue \"c\"a\""}) {
      CAPTURE(text);
      CHECK(!parse_caa_record(text));
    }
  }

  TEST_CASE("a plan adds before it removes, leaves other tags, and is empty the second time")
  {
    const std::vector<CaaRecord> there = {record("issue", "other.example"),
                                          record("iodef", "mailto:a@example"),
                                          record("ISSUE", "new"), record("issuewild", ";")};
    const std::vector<CaaRecord> wanted = {record("issue", "new"), record("issuewild", "new"),
                                           record("issuewild", "new")};
    const CaaPlan plan = plan_caa(there, wanted);
    CHECK(plan.add == std::vector<CaaRecord>{record("issuewild", "new")});
    CHECK(plan.remove ==
          std::vector<CaaRecord>{record("issue", "other.example"), record("issuewild", ";")});
    const CaaPlan again = plan_caa({record("iodef", "x"), wanted[0], wanted[1]}, wanted);
    CHECK(again.add.empty());
    CHECK(again.remove.empty());
  }
}

TEST_SUITE("acme::renewal")
{
  TEST_CASE("thirty days before expiry, up to a day earlier")
  {
    const Time end{now.ms + 90 * day};
    CHECK(renewal_time(now, end, {}, 0) == Time{now.ms + 60 * day});
    CHECK(renewal_time(now, end, {}, static_cast<std::uint64_t>(day) - 1) ==
          Time{now.ms + 59 * day + 1});
    CHECK(renewal_time(now, end, {}, static_cast<std::uint64_t>(day)) == Time{now.ms + 60 * day});
  }

  TEST_CASE("a certificate of six days is not renewed all the time")
  {
    for (std::uint64_t random = 0; random < 1'000'000'000; random += 12'345'678) {
      const Time at = renewal_time(now, Time{now.ms + 6 * day}, {}, random);
      CHECK(at.ms > now.ms + 3 * day);
      CHECK(at.ms <= now.ms + 4 * day);
    }
    CHECK(renewal_time(now, now, {}, 5) == now);
    CHECK(renewal_time(now, Time{now.ms - day}, {}, 5) == Time{now.ms - day});
  }

  TEST_CASE("failures double the pause, half of it by chance, never before the server allows")
  {
    RenewalSettings settings;
    settings.retry_base_ms = 1000;
    settings.retry_most_ms = 8000;
    CHECK(retry_time(now, 1, {}, settings, 0) == Time{now.ms + 500});
    CHECK(retry_time(now, 1, {}, settings, 500) == Time{now.ms + 1000});
    CHECK(retry_time(now, 3, {}, settings, 0) == Time{now.ms + 2000});
    CHECK(retry_time(now, 4'000'000'000U, {}, settings, 4000) == Time{now.ms + 8000});
    CHECK(retry_time(now, 0, {}, settings, 0) == Time{now.ms + 500});
    CHECK(retry_time(now, 1, Time{now.ms + 3600'000}, settings, 0) == Time{now.ms + 3600'000});
  }

  TEST_CASE("the authority's window is kept, and a missed one means now")
  {
    const RenewalInfo info{Time{now.ms + 100}, Time{now.ms + 200}};
    CHECK(renewal_time(info, now, 30) == Time{now.ms + 130});
    CHECK(renewal_time(info, now, 130) == Time{now.ms + 130});
    CHECK(renewal_time(info, Time{now.ms + 190}, 30) == Time{now.ms + 190});
  }
}

TEST_SUITE("acme::messages")
{
  TEST_CASE("a renewal window in the forms of RFC 3339 that authorities use")
  {
    const auto window = [](std::string_view start, std::string_view end) {
      const auto got = parse_renewal_info(
          fmt::format(R"({{"suggestedWindow":{{"start":"{}","end":"{}"}}}})", start, end));
      return got ? fmt::format("{} {}", format_utc(got->start), format_utc(got->end)) : "no";
    };
    CHECK(window("2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z") ==
          "2025-01-02T04:00:00Z 2025-01-03T04:00:00Z");
    CHECK(window("2025-01-02T04:00:00.123Z", "2025-01-03T04:00:00+00:00") ==
          "2025-01-02T04:00:00Z 2025-01-03T04:00:00Z");
    CHECK(window("2025-01-02T04:00:00+01:00", "2025-01-03T04:00:00Z") == "no");
    CHECK(window("2025-01-02", "2025-01-03T04:00:00Z") == "no");
    CHECK(window("2025-01-02T04:00:00Z", "2025-01-02T04:00:00Z") == "no");
    CHECK(!parse_renewal_info("{}"));
  }

  TEST_CASE("Retry-After as seconds or a date, at most a year ahead and never in the past")
  {
    const auto after = [](std::string_view value) -> std::int64_t {
      const auto at = retry_after(value, now);
      return at ? at->ms - now.ms : -1;
    };
    CHECK(after("120") == 120'000);
    CHECK(after(" 0 ") == 0);
    CHECK(after("99999999999999") == std::int64_t{366} * day);
    CHECK(after("Fri, 15 Jan 2027 08:01:00 GMT") == 60'000);
    CHECK(after("Sun, 06 Nov 1994 08:49:37 GMT") == 0);
    for (const std::string_view bad :
         {"", "-1", "soon", "Fri, 15 Jun 2027", "1.5", "Fri, 15 Foo 2027 08:01:00 GMT"})
      CHECK(after(bad) == -1);
  }

  TEST_CASE("URLs of the server keep to https, and cannot carry more than a URL")
  {
    const std::string https = "https://ca.example/dir";
    CHECK(server_url("https://other.example/x", https));
    CHECK(server_url("http://a/x", https).error().code() == Errc::untrusted);
    CHECK(server_url("http://a/x", "http://a/dir"));
    for (const std::string& bad : {std::string{}, std::string{"file:///etc/passwd"},
                                   std::string{"https://a b"}, std::string{"https://a\r\nX: y"},
                                   std::string{"https://a\""}, "https://" + std::string(2041, 'a')})
      CHECK(!server_url(bad, https));
  }

  TEST_CASE("problem documents, and what is none")
  {
    CHECK(parse_problem(R"({"type":"urn:ietf:params:acme:error:caa","detail":"no",)"
                        R"("subproblems":[{"detail":"a"},{"detail":"b"}]})",
                        403)
              .text() == "caa: no; a; b");
    CHECK(parse_problem(R"({"type":"about:blank"})", 400).type == "about:blank");
    CHECK(parse_problem("<html>", 502).text() == "HTTP status 502");
    CHECK(parse_problem(R"({"detail":"a\u001b[31m"})", 400).text().find('\x1b') ==
          std::string::npos);
    CHECK(parse_problem(R"({"detail":")" + std::string(10'000, 'a') + R"("})", 400).text().size() ==
          512);
  }

  TEST_CASE("a token that is none is refused: it would become a path")
  {
    const auto with = [](std::string_view token) {
      return parse_authorization(
          fmt::format(R"({{"identifier":{{"type":"dns","value":"a.example"}},"status":"pending",)"
                      R"("challenges":[{{"type":"http-01","url":"https://a/c","status":"pending",)"
                      R"("token":"{}"}},{{"type":"new-02"}}]}})",
                      token),
          "https://a/dir");
    };
    CHECK(with("abc")->challenges.size() == 1);
    CHECK(!with("../../x"));
    CHECK(!with(""));
  }

  TEST_CASE("orders and directories that leave out what they must have are refused")
  {
    constexpr std::string_view good =
        R"({"status":"valid","identifiers":[{"type":"dns","value":"A.example"}],)"
        R"("authorizations":["https://a/z"],"finalize":"https://a/f","certificate":"https://a/c"})";
    CHECK(parse_order(good, "https://a/dir")->names.front() == "a.example");
    for (const char* key : {"status", "identifiers", "authorizations", "finalize", "certificate"}) {
      CAPTURE(key);
      Json changed = *codec::parse_json(good);
      std::erase_if(changed.members(), [&](const auto& member) { return member.first == key; });
      CHECK(!parse_order(write_json(changed), "https://a/dir"));
      changed = *codec::parse_json(good);
      changed.set(key, 7);
      CHECK(!parse_order(write_json(changed), "https://a/dir"));
    }
    for (std::size_t n = 0; n < good.size(); ++n)
      CHECK(!parse_order(good.substr(0, n), "https://a/dir"));
    CHECK(
        !parse_directory(R"({"newNonce":"https://a/n","newAccount":"https://a/a"})", "https://a"));
  }
}

} // namespace dstack::acme
