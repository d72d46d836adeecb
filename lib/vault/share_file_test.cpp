#include "vault/share_file.hpp"

#include "vault/test_roots.hpp"
#include "vault/test_tools.hpp"

#include <doctest/doctest.h>

namespace dstack::vault {

namespace {

using testing::cheap;
using testing::code_of;
using testing::passphrase;
using testing::replaced;
using testing::shares;

std::string open_text(const CustodianShare& share)
{
  return to_text(write_share(share).view());
}

bool same_share(const CustodianShare& a, const CustodianShare& b)
{
  return a.cluster == b.cluster && a.circle == b.circle && a.share.index == b.share.index &&
         (a.share.value - b.share.value).is_zero();
}

} // namespace

TEST_SUITE("vault::share_file")
{
  TEST_CASE("open, under a passphrase and in a box: what is written is read")
  {
    const auto all = shares(3, 2);
    const auto open = read_share(write_share(all[1]).view());
    REQUIRE(open);
    CHECK(same_share(*open, all[1]));
    CHECK(open->custodian() == "c2");

    const SecretBytes words = passphrase("correct horse");
    const Bytes locked = *write_share(all[1], words, cheap);
    CHECK(same_share(*read_share(locked, {&words, nullptr}), all[1]));
    CHECK(code_of(read_share(locked)) == Errc::denied);
    const SecretBytes wrong = passphrase("correct house");
    const auto refused = read_share(locked, {&wrong, nullptr});
    CHECK(code_of(refused) == Errc::untrusted);
    CHECK(refused.error().message() == "wrong passphrase for the share of custodian 'c2' (2)");

    const auto owner = crypto::BoxKey::generate();
    const auto other = crypto::BoxKey::generate();
    const Bytes boxed = *write_share(all[2], owner.public_key());
    CHECK(same_share(*read_share(boxed, {nullptr, &owner}), all[2]));
    CHECK(code_of(read_share(boxed)) == Errc::denied);
    CHECK(code_of(read_share(boxed, {nullptr, &other})) == Errc::untrusted);
  }

  TEST_CASE("what a share file tells without its secret")
  {
    const auto all = shares(3, 2);
    const auto view = view_share(*write_share(all[2], passphrase("x"), cheap));
    REQUIRE(view);
    CHECK(view->custodian() == "c3");
    CHECK(view->circle.threshold() == 2);
    CHECK(view->protection == Protection::passphrase);
    CHECK(view_share(*write_share(all[0], crypto::BoxKey::generate().public_key()))->custodian() ==
          "c1");
    CHECK(share_file_name(view->cluster, view->custodian()) == "4f4f4f4f4f4f4f4f-c3.json");
  }

  TEST_CASE("each flipped bit of a share is refused and names the custodian")
  {
    const auto all = shares(3, 2);
    const std::string text = open_text(all[0]);
    const std::string digits = hex(all[0].share.value.view());
    for (unsigned bit = 0; bit < 256; ++bit) {
      CAPTURE(bit);
      Bytes raw = to_bytes(all[0].share.value.view());
      raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const auto refused = read_share(as_bytes(replaced(text, digits, hex(raw))));
      CHECK(code_of(refused) == Errc::untrusted);
      CHECK(refused.error().message() ==
            "the share of custodian 'c1' (1) does not fit what the dealer committed to");
    }
  }

  TEST_CASE("a share under another's index, with other commitments or in another cluster")
  {
    const auto all = shares(3, 2);
    const auto others = shares(3, 2);
    const std::string text = open_text(all[0]);
    CHECK(code_of(read_share(as_bytes(replaced(text, "\"index\": 1", "\"index\": 2")))) ==
          Errc::untrusted);
    CHECK(code_of(read_share(as_bytes(replaced(text, hex(all[0].circle.commitments[1].view()),
                                               hex(others[0].circle.commitments[1].view()))))) ==
          Errc::untrusted);
    // The encrypted form is bound to its head as a whole.
    const SecretBytes words = passphrase("x");
    const std::string locked = to_text(*write_share(all[0], words, cheap));
    for (const auto& [from, to] : {std::pair{"4f4f", "4f4e"}, {"\"c2\"", "\"c4\""}})
      CHECK(code_of(read_share(as_bytes(replaced(locked, from, to)), {&words, nullptr})) ==
            Errc::untrusted);
  }

  TEST_CASE("what does not follow the format")
  {
    const auto all = shares(3, 2);
    const std::string text = open_text(all[0]);
    const std::string digits = hex(all[0].share.value.view());
    const auto code = [&](std::string_view from, std::string_view to) {
      return code_of(read_share(as_bytes(replaced(text, from, to))));
    };
    CHECK(code("\"index\": 1", "\"index\": 0") == Errc::malformed);
    CHECK(code("\"index\": 1", "\"index\": 4") == Errc::malformed);
    CHECK(code("\"index\": 1", "\"index\": 257") == Errc::malformed);
    CHECK(code("\"threshold\": 2", "\"threshold\": 1") == Errc::malformed);
    CHECK(code("\"c2\"", "\"c1\"") == Errc::malformed);
    CHECK(code("\"c2\"", "\"../c2\"") == Errc::malformed);
    CHECK(code("\"c2\"", "\"\"") == Errc::malformed);
    CHECK(code("share/1", "share/2") == Errc::unsupported);
    CHECK(code("\"none\"", "\"rot13\"") == Errc::unsupported);
    CHECK(code("\"none\"", "\"box\"") == Errc::malformed);
    CHECK(code("\"index\"", "\"more\": 1, \"index\"") == Errc::malformed);
    CHECK(code(digits, digits.substr(2)) == Errc::malformed);
    CHECK(code(digits, std::string(64, 'g')) == Errc::malformed);
    CHECK(code("\"share\": \"" + digits + "\"", "\"share\": 7") == Errc::malformed);
    CHECK(code(",\n  \"share\": \"" + digits + "\"", "") == Errc::malformed);
    CHECK(code(hex(all[0].circle.commitments[0].view()), std::string(64, 'f')) == Errc::malformed);
    // A second "share" in front, out of the way of a careless search.
    CHECK(code("{", "{ \"a\": {\"share\": \"" + digits + "\"},") == Errc::malformed);
    CHECK(code_of(read_share(Bytes(max_share_file + 1, ' '))) == Errc::malformed);
    for (std::size_t n = 0; n + 2 < text.size(); ++n) // the last is a line break
      CHECK_FALSE(read_share(as_bytes(text).first(n)));
  }

  TEST_CASE("a file that asks for a costly key derivation is refused before it is tried")
  {
    const auto all = shares(1, 1);
    const SecretBytes words = passphrase("x");
    const std::string locked = to_text(*write_share(all[0], words, cheap));
    for (const char* cost : {"\"memory_bytes\": 99999999999", "\"memory_bytes\": 1"})
      CHECK(code_of(read_share(as_bytes(replaced(locked, "\"memory_bytes\": 8192", cost)),
                               {&words, nullptr})) == Errc::malformed);
    CHECK(code_of(read_share(as_bytes(replaced(locked, "\"passes\": 1", "\"passes\": 4294967295")),
                             {&words, nullptr})) == Errc::malformed);
  }
}

TEST_SUITE("vault::custody")
{
  TEST_CASE("shares are counted once each, and only when they fit")
  {
    const auto all = shares(4, 3);
    ShareCollector in{all[0].cluster, all[0].circle};
    CHECK(*in.add(all[2]) == 1);
    CHECK(*in.add(all[2]) == 1);
    CHECK(*in.add(all[0]) == 2);
    CHECK_FALSE(in.complete());
    CustodianShare lie = all[1];
    lie.share.value = lie.share.value + crypto::RistrettoScalar::from_number(1);
    const auto refused = in.add(lie);
    CHECK(code_of(refused) == Errc::untrusted);
    CHECK(refused.error().message() ==
          "the share of custodian 'c2' (2) does not fit what the dealer committed to");
    CHECK(in.have() == 2);
    CHECK(*in.add(all[1]) == 3);
    CHECK(in.complete());
    CHECK(in.custodians_in() == std::vector<std::string>{"c3", "c1", "c2"});
    CHECK(crypto::combine(in.shares(), all[0].circle.commitments));
    in.clear();
    CHECK(in.have() == 0);
  }

  TEST_CASE("shares of another root and of another division of this one")
  {
    const auto all = shares(3, 2);
    auto others = shares(3, 2);
    ShareCollector in{all[0].cluster, all[0].circle};
    const auto divided = in.add(others[0]);
    CHECK(code_of(divided) == Errc::untrusted);
    CHECK(divided.error().message().find("another division") != std::string::npos);
    others[0].cluster[0] ^= 1U;
    CHECK(in.add(others[0]).error().message() ==
          "the share is of cluster 4e4f4f4f4f4f4f4f, this one is 4f4f4f4f4f4f4f4f");
  }

  TEST_CASE("names of custodians")
  {
    for (const char* good : {"a", "Alice", "kms-2.example.com", "0_0"})
      CHECK_MESSAGE(check_custodian_name(good), good);
    for (const std::string& bad : {std::string{}, std::string{".a"}, std::string{"-a"},
                                   std::string{"a/b"}, std::string{"a b"}, std::string(65, 'a')})
      CHECK_MESSAGE(code_of(check_custodian_name(bad)) == Errc::malformed, bad);
  }
}

} // namespace dstack::vault
