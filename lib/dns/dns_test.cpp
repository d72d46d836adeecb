#include "dns/message.hpp"
#include "dns/update.hpp"

#include <doctest/doctest.h>

namespace dstack::dns {
namespace {

// Made by dnspython 2.9.2: updates without name compression, the answers to others with it, and an
// answer to a question for TXT that an alias leads away from.
constexpr std::string_view update_sha256 =
    "123428000001000000020001076578616d706c65036f726700000600010f5f61636d652d6368616c"
    "6c656e6765076578616d706c65036f726700001000010000003c000c0b68656c6c6f2d776f726c64"
    "076578616d706c65036f726700010100fe0000000000290005697373756563612e6578616d706c65"
    "3b6163636f756e747572693d68747470733a2f2f63612f310667772d6b65790000fa00ff00000000"
    "003d0b686d61632d7368613235360000006b49d200012c0020112916c0820d5c2a9a361a38ffb2e4"
    "160c09c23b2bfbee97826d9cb6034e02d4123400000000";
constexpr std::string_view update_sha512 =
    "123428000001000000020001076578616d706c65036f726700000600010f5f61636d652d6368616c"
    "6c656e6765076578616d706c65036f726700001000010000003c000c0b68656c6c6f2d776f726c64"
    "076578616d706c65036f726700010100fe0000000000290005697373756563612e6578616d706c65"
    "3b6163636f756e747572693d68747470733a2f2f63612f310667772d6b65790000fa00ff00000000"
    "005d0b686d61632d7368613531320000006b49d200012c0040998c77b2cc2e7e6672534273fda613"
    "5feb4299f032ef09f83b25893fa8eb83c6a2968652f8aa6f1d4a68c8ee86b04270ae79001aaaca3b"
    "dfdb87a5124c3b0141123400000000";
constexpr std::string_view asked_mac_sha256 =
    "d87f7a50bc3f56d0da615cad416bd8ecc634748c67100cb017755cb18787f7a1";
constexpr std::string_view asked_mac_sha512 =
    "4c58b144dc04efdee8262d6ad9046aa14e5b77ecbbfa065274aa2dc614457c9a9c374916cb30eb3a"
    "587e1b676be6c28c1f72fa73e2ac20b292ac394380b39bb6";
constexpr std::string_view done_sha256 =
    "1234a8000001000000000001076578616d706c65036f726700000600010667772d6b65790000fa00"
    "ff00000000003d0b686d61632d7368613235360000006b49d200012c00205b13e3730b80b6edadb4"
    "58b187f39341d4beab0948d2f385a5c16d0568339364123400000000";
constexpr std::string_view done_sha512 =
    "1234a8000001000000000001076578616d706c65036f726700000600010667772d6b65790000fa00"
    "ff00000000005d0b686d61632d7368613531320000006b49d200012c0040a8a50de984bf23220b20"
    "4a8af52288a8dcf46bf9b2abfc0f6575c8980bda33dd8b95aa78467b2156c098b93e10a2adc6d7e8"
    "ddcaf61881ba1796a6e9afd15a53123400000000";
constexpr std::string_view answer_hex =
    "0007850000010004000300000f5f61636d652d6368616c6c656e6765076578616d706c65036f7267"
    "0000100001c00c000500010000003c0016036162630461757468076578616d706c65036e657400c0"
    "39001000010000003c000b0566697273740468616c66c039001000010000003c0007067365636f6e"
    "64c01c010100010000003c00110005697373756563612e6578616d706c65c01c000200010000003c"
    "0006036e7331c01cc01c000200010000003c0006036e7332c01cc01c000600010000003c001ac0a2"
    "0168c01c0000000100000002000000030000000400000005";

constexpr Time now{1'800'000'000'000};

Bytes raw(std::string_view text)
{
  return *parse_hex(text);
}

TsigKey key(TsigAlgorithm algorithm)
{
  Bytes secret;
  for (std::uint8_t i = 0; i < 32; ++i)
    secret.push_back(i);
  return {"gw-key", algorithm, SecretBytes{std::move(secret)}};
}

Update two_changes()
{
  const Caa caa{0, "issue", "ca.example;accounturi=https://ca/1"};
  return {"example.org",
          60,
          {{Change::Kind::add, "_acme-challenge.example.org", std::string{"hello-world"}},
           {Change::Kind::remove, "example.org", caa}}};
}

SignedUpdate asked(std::string_view mac)
{
  return {raw("1234"), raw(mac)};
}

Errc code_of(const Status& status)
{
  REQUIRE(!status);
  return status.error().code();
}

} // namespace

TEST_SUITE("dns::message")
{
  TEST_CASE("an answer with aliases, texts, servers and CAA records")
  {
    const auto got = parse_message(raw(answer_hex));
    REQUIRE(got);
    CHECK(got->id == 7);
    CHECK(got->is_answer);
    CHECK(got->authoritative);
    CHECK(got->rcode == rcode::no_error);
    CHECK(texts_at(*got, "_ACME-challenge.example.org") ==
          std::vector<std::string>{"firsthalf", "second"});
    CHECK(texts_at(*got, "example.org").empty());
    REQUIRE(got->answers.size() == 4);
    CHECK(got->answers[0].host == "abc.auth.example.net");
    CHECK(got->answers[3].caa == Caa{0, "issue", "ca.example"});
    REQUIRE(got->authority.size() == 3);
    CHECK(got->authority[1].host == "ns2.example.org");
    CHECK(got->authority[2].name == "example.org");
    CHECK(got->authority[2].type == type::soa);
  }

  TEST_CASE("every truncation is refused, and so are bytes after the end")
  {
    const Bytes good = raw(answer_hex);
    for (std::size_t n = 0; n < good.size(); ++n) {
      CAPTURE(n);
      CHECK(!parse_message(ByteView{good}.first(n)));
    }
    CHECK(!parse_message(concat({good, raw("00")})));
  }

  TEST_CASE("names that point forwards, to themselves or in a circle, and odd labels")
  {
    const auto with_question = [](std::string_view name) {
      return parse_message(raw(fmt::format("000780000001000000000000{}00010001", name)));
    };
    CHECK(with_question("03777777076578616d706c65036f726700"));
    CHECK(!with_question("c00c"));
    CHECK(!with_question("c00e"));
    CHECK(!with_question("0161c00c"));
    CHECK(!with_question("4161"));     // a label of another kind
    CHECK(!with_question("022e2e00")); // dots in a label
    CHECK(!with_question("012000"));   // a blank
    std::string deep;
    for (int i = 0; i < 5; ++i)
      deep += "3f" + hex(Bytes(63, 'a'));
    CHECK(!with_question(deep + "00"));
  }

  TEST_CASE("a name on the wire")
  {
    CHECK(*wire_name("A.example.") == raw("0161076578616d706c6500"));
    CHECK(*wire_name("") == raw("00"));
    for (const char* name : {"a..b", ".a", "a b", "a\"b"}) {
      CAPTURE(name);
      CHECK(!wire_name(name));
    }
    CHECK(!wire_name(std::string(64, 'a')));
    std::string longest = std::string(63, 'a');
    for (int i = 0; i < 3; ++i)
      longest += "." + std::string(63, 'a');
    CHECK(!wire_name(longest));
  }

  TEST_CASE("codes have names")
  {
    CHECK(rcode_name(5) == "REFUSED");
    CHECK(rcode_name(10) == "NOTZONE");
    CHECK(rcode_name(17) == "BADKEY");
    CHECK(rcode_name(77) == "RCODE 77");
  }
}

TEST_SUITE("dns::update")
{
  TEST_CASE("an update is signed as other software signs it")
  {
    const auto sha256 = write_update(two_changes(), key(TsigAlgorithm::hmac_sha256), 0x1234, now);
    REQUIRE(sha256);
    CHECK(hex(sha256->message) == update_sha256);
    const auto sha512 = write_update(two_changes(), key(TsigAlgorithm::hmac_sha512), 0x1234, now);
    REQUIRE(sha512);
    CHECK(hex(sha512->message) == update_sha512);
  }

  TEST_CASE("long texts are split, names and data that do not fit are refused")
  {
    Update update = two_changes();
    update.changes = {{Change::Kind::add, "a.example.org", std::string(300, 'x')}};
    const auto got = write_update(update, key(TsigAlgorithm::hmac_sha256), 1, now);
    REQUIRE(got);
    const std::string pieces = fmt::format("ff{}2d{}", hex(Bytes(255, 'x')), hex(Bytes(45, 'x')));
    CHECK(hex(got->message).find(pieces) != std::string::npos);
    update.changes[0].data = std::string(5000, 'x');
    CHECK(!write_update(update, key(TsigAlgorithm::hmac_sha256), 1, now));
    update.changes[0].data = Caa{0, "", "ca"};
    CHECK(!write_update(update, key(TsigAlgorithm::hmac_sha256), 1, now));
    update = two_changes();
    update.zone = "a b";
    CHECK(!write_update(update, key(TsigAlgorithm::hmac_sha256), 1, now));
  }

  TEST_CASE("the server's signature is checked, over all that it says")
  {
    const TsigKey sha256 = key(TsigAlgorithm::hmac_sha256);
    const Bytes done = raw(done_sha256);
    CHECK(check_update_answer(done, asked(asked_mac_sha256), sha256, now));
    CHECK(check_update_answer(raw(done_sha512), asked(asked_mac_sha512),
                              key(TsigAlgorithm::hmac_sha512), now));
    for (std::size_t at = 0; at < done.size(); ++at) {
      CAPTURE(at);
      Bytes changed = done;
      changed[at] ^= 1U;
      CHECK(!check_update_answer(changed, asked(asked_mac_sha256), sha256, now));
    }
    for (std::size_t n = 0; n < done.size(); ++n)
      CHECK(!check_update_answer(ByteView{done}.first(n), asked(asked_mac_sha256), sha256, now));
  }

  TEST_CASE("answers of others, to other questions, without signature or out of time")
  {
    const TsigKey sha256 = key(TsigAlgorithm::hmac_sha256);
    const SignedUpdate update = asked(asked_mac_sha256);
    TsigKey other = sha256;
    other.key.mutable_view()[0] ^= 1U;
    CHECK(code_of(check_update_answer(raw(done_sha256), update, other, now)) == Errc::untrusted);
    other = sha256;
    other.name = "elsewhere";
    CHECK(code_of(check_update_answer(raw(done_sha256), update, other, now)) == Errc::untrusted);
    CHECK(code_of(check_update_answer(raw(done_sha256), asked(asked_mac_sha512), sha256, now)) ==
          Errc::untrusted);
    CHECK(code_of(check_update_answer(raw("1234a8000000000000000000"), update, sha256, now)) ==
          Errc::untrusted);
    CHECK(check_update_answer(raw(done_sha256), update, sha256, Time{now.ms + 299'000}));
    CHECK(code_of(check_update_answer(raw(done_sha256), update, sha256, Time{now.ms + 302'000})) ==
          Errc::untrusted);
  }

  TEST_CASE("a refusal is named")
  {
    const auto refused =
        check_update_answer(raw("1234a8050000000000000000"), asked(asked_mac_sha256),
                            key(TsigAlgorithm::hmac_sha256), now);
    CHECK(code_of(refused) == Errc::denied);
    CHECK(refused.error().message().find("REFUSED") != std::string::npos);
  }

  TEST_CASE("keys as two tools write them")
  {
    const auto from_keygen =
        parse_tsig_key("key \"gw-key\" {\n\talgorithm hmac-sha512;\n\tsecret \"AAECAw==\";\n};\n");
    REQUIRE(from_keygen);
    CHECK(from_keygen->name == "gw-key");
    CHECK(from_keygen->algorithm == TsigAlgorithm::hmac_sha512);
    CHECK(equal(from_keygen->key.view(), raw("00010203")));
    const auto one_line = parse_tsig_key("hmac-sha256:gw-key:AAECAw==\n");
    REQUIRE(one_line);
    CHECK(one_line->algorithm == TsigAlgorithm::hmac_sha256);
    for (const char* text :
         {"", "hmac-md5:a:AAECAw==", "hmac-sha256:a:", "hmac-sha256:a b:AAECAw==",
          "key a { secret AAECAw==; };", "hmac-sha256:a:!"}) {
      CAPTURE(text);
      CHECK(!parse_tsig_key(text));
    }
  }
}

} // namespace dstack::dns
