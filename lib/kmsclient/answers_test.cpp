#include "kmsclient/test_kms.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsclient {
namespace {

using codec::Json;
using test::Kms;

std::string text(const Json& json)
{
  return codec::write_json(json);
}

std::string why(const auto& result)
{
  return result ? std::string{} : result.error().message();
}

std::string refusal(int status, std::string body)
{
  return refusal_of(http::Response{status, {}, std::move(body)});
}

} // namespace

TEST_SUITE("kmsclient::answers")
{
  TEST_CASE("GetTempCaCert: two certificates and the key of one")
  {
    const Kms kms;
    const auto read = parse_temp_ca(text(kms.temp_ca()));
    REQUIRE(read);
    CHECK(read->root.spki == kms.root.ca.spki_der());
    CHECK(read->certificate.spki == kms.temp.spki_der());
    CHECK(read->key.spki_der() == kms.temp.spki_der());
    CHECK(why(parse_temp_ca(text(kms.temp_ca().set("temp_ca_key", kms.root.ca.pkcs8_pem())))) ==
          "CA certificate does not match private key");
    for (const char* member : {"temp_ca_cert", "temp_ca_key", "ca_cert"})
      for (const char* bad :
           {"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}) {
        CAPTURE(member);
        CAPTURE(bad);
        CHECK_FALSE(parse_temp_ca(text(kms.temp_ca().set(member, bad))));
      }
    for (const char* bad : {"", "null", "[]", "{}", "{"})
      CHECK_FALSE(parse_temp_ca(bad));
    CHECK_FALSE(parse_temp_ca(text(kms.temp_ca().set("more", std::string(max_answer, 'x')))));
  }

  TEST_CASE("GetAppKey: the specification's keys (spec kms 20.2)")
  {
    const Kms kms;
    const auto read = parse_app_keys(text(kms.app_keys()));
    REQUIRE(read);
    CHECK(hex(read->disk_crypt_key.view()) ==
          "63a5c5fc418deef7d4a531eb1df26bf4048c0cf2bfa89e6a7e70cb20faa3c1a3");
    CHECK(hex(read->env_crypt_key.view()) ==
          "cd56fbbd6406be37a8a998ea6a349b4f0110e7ecb13d2677eafd139a9dcdcb7b");
    CHECK(hex(read->k256_key.view()) ==
          "5edfccf1dd2059e0120fc314be46171f4e358d86fd3d94c36b3a0c6eb67d2c2e");
    CHECK(read->gateway_app_id == "any");
    CHECK(read->os_image_hash == Bytes(32, 0xff));
    CHECK(read->epoch == 0);
    CHECK(parse_app_keys(text(kms.app_keys().set("epoch", 7)))->epoch == 7);
    // A KMS of before the rename.
    CHECK(parse_app_keys(text(kms.app_keys().set("gateway_app_id", "")))->gateway_app_id == "any");
  }

  TEST_CASE("GetAppKey: keys of another size, or none, are no keys")
  {
    const Kms kms;
    for (const char* member : {"disk_crypt_key", "env_crypt_key", "k256_key", "k256_signature",
                               "os_image_hash", "ca_cert"})
      for (const std::string& bad : {std::string{}, std::string(62, '1'), std::string(66, '1'),
                                     std::string(64, 'g'), std::string(128, '1')}) {
        CAPTURE(member);
        CAPTURE(bad);
        const auto read = parse_app_keys(text(kms.app_keys().set(member, bad)));
        REQUIRE_FALSE(read);
        CHECK(read.error().message().find(member) != std::string::npos);
        // What was sent is not repeated: it may be nearly a key.
        CHECK((bad.empty() || read.error().message().find(bad) == std::string::npos));
      }
    CHECK_FALSE(parse_app_keys(text(kms.app_keys().set("k256_key", Json{}))));
    CHECK_FALSE(parse_app_keys(text(kms.app_keys().set("epoch", std::uint64_t{1} << 32U))));
    CHECK_FALSE(parse_app_keys(text(kms.app_keys().set("gateway_app_id", std::string(257, 'a')))));
  }

  TEST_CASE("SignCert, GetMeta, GetAppEnvEncryptPubKey")
  {
    const Kms kms;
    const auto made = kms.chain(test::p256_of("leaf").spki_der());
    Json pems = Json::array();
    for (const Bytes& der : made)
      pems.push(x509::to_pem(der));
    CHECK(*parse_chain(text(Json{}.set("certificate_chain", pems))) == made);
    CHECK_FALSE(parse_chain(text(Json{}.set("certificate_chain", Json::array()))));
    CHECK_FALSE(parse_chain("null"));
    const auto meta = parse_meta(text(kms.meta()));
    REQUIRE(meta);
    CHECK(hex(meta->k256) == "03e206818ce77f40bdfce29d7b9acd7ea58fa11ae84b59004df31b6783a992924a");
    CHECK(meta->gateway_app_id.empty());
    CHECK_FALSE(parse_meta(text(kms.meta().set("k256_pubkey", "00"))));
    const auto env = parse_env_key(text(kms.env_key(1'767'225'600)));
    REQUIRE(env);
    CHECK(hex(env->key) == "ab1585fd6ea5df34461959c9fa4c6473c8ac97dd997a9b8b1ea2d2d5da6df35b");
    CHECK(env->timestamp == 1'767'225'600);
    CHECK_FALSE(parse_env_key(text(kms.env_key(1).set("signature_v1", ""))));
    CHECK_FALSE(parse_env_key(text(kms.env_key(1).set("timestamp", "1"))));
  }

  TEST_CASE("trap 26: a refusal is read in either encoding; trap 25: cut between characters")
  {
    CHECK(refusal(400, "{\n  \"error\": \"App not allowed: Boot denied: no\"\n}") ==
          "App not allowed: Boot denied: no");
    CHECK(refusal(400, std::string{"\x0a\x04oops"}) == "oops");
    CHECK(refusal(400, std::string{"\x0a\x05oops"}) == "HTTP status 400");
    CHECK(refusal(404, "<html>") == "HTTP status 404");
    CHECK(refusal(400, "") == "HTTP status 400");
    CHECK(refusal(400, "{\"error\":\"a\\u001b[31m\"}").find('\x1b') == std::string::npos);
    std::string umlauts;
    for (int i = 0; i < 600; ++i)
      umlauts += "\xc3\xa4";
    const std::string cut = refusal(400, "{\"error\":\"x" + umlauts + "\"}");
    CHECK(cut.size() == 999);
    CHECK(is_utf8(cut));
  }
}

} // namespace dstack::kmsclient
