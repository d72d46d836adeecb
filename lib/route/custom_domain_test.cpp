#include "route/custom_domain.hpp"

#include <doctest/doctest.h>

namespace dstack::route {
namespace {

using Kind = TxtAnswer::Kind;

std::string questions(std::string_view host, std::string_view prefix = default_txt_prefix)
{
  const TxtQuestions all = txt_questions(host, prefix, LegacyRecords::asked);
  return fmt::format("{} | {} | {}", all.exact.value_or("-"), all.legacy.value_or("-"),
                     all.wildcard.value_or("-"));
}

std::string address(std::string_view text)
{
  const auto got = parse_app_address(text);
  return got ? fmt::format("{} {}", got->id, got->port) : got.error().message();
}

std::string decide(const TxtAnswer& exact, const TxtAnswer& legacy, const TxtAnswer& wildcard)
{
  const auto first = judge_exact(exact, legacy);
  if (!first) return first.error().message();
  if (*first) return fmt::format("{} {}", (*first)->id, (*first)->port);
  const auto second = judge_wildcard("a.example", exact, wildcard);
  return second ? fmt::format("{} {}", second->id, second->port)
                : fmt::format("{}: {}", name_of(second.error().code()), second.error().message());
}

} // namespace

TEST_SUITE("route::custom_domain")
{
  TEST_CASE("exact and legacy names, and a wildcard one label up")
  {
    CHECK(questions("www.a.example") ==
          "_dstack-app-address.www.a.example | _tapp-address.www.a.example | "
          "_dstack-app-address-wildcard.a.example");
    CHECK(questions("example") == "_dstack-app-address.example | _tapp-address.example | -");
    CHECK(questions("a.example", legacy_txt_prefix) ==
          "_tapp-address.a.example | - | _tapp-address-wildcard.example");
    CHECK(!txt_questions("a.example", default_txt_prefix, LegacyRecords::ignored).legacy);
  }

  TEST_CASE("no question is longer than DNS allows")
  {
    constexpr std::size_t most = 253;
    const std::string labels =
        std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + ".";
    const std::size_t exact = default_txt_prefix.size() + 1 + labels.size();
    const std::string fits = labels + std::string(most - exact, 'b');
    CHECK(txt_questions(fits, default_txt_prefix, LegacyRecords::asked).exact->size() == most);
    CHECK(questions(fits + "b").starts_with("- | _tapp-address." + labels));
    CHECK(questions(labels + std::string(50, 'b')) ==
          "- | - | _dstack-app-address-wildcard." + labels.substr(64) + std::string(50, 'b'));
  }

  TEST_CASE("a record names an app or an instance and a port, nothing else")
  {
    CHECK(address("3327603e03f5bd1f830812ca4a789277fc31f577:443") ==
          "3327603e03f5bd1f830812ca4a789277fc31f577 443");
    CHECK(address("ABCD:8443") == "abcd 8443");
    CHECK(address("abcd") == "\"abcd\" (want APP-ID:PORT)");
    CHECK(address("abcd:") == "\"abcd:\" does not end in a port");
    CHECK(address("abcd:0") == "\"abcd:0\" does not end in a port");
    CHECK(address("abcd:65536") == "\"abcd:65536\" does not end in a port");
    CHECK(address("abcd:443:1") == "\"abcd:443:1\" does not end in a port");
    CHECK(address("abcd:443 ") == "\"abcd:443 \" does not end in a port");
    CHECK(address(":443") == "\":443\" does not begin with an id");
    CHECK(address("a.b:443") == "\"a.b:443\" does not begin with an id");
    CHECK(address(std::string(129, 'a') + ":1").ends_with("does not begin with an id"));
  }

  TEST_CASE("the exact record wins over the legacy one, both over the wildcard")
  {
    const TxtAnswer none{};
    const TxtAnswer a{Kind::found, "aa:1"};
    const TxtAnswer b{Kind::found, "bb:2"};
    const TxtAnswer c{Kind::found, "cc:3"};
    CHECK(decide(a, b, c) == "aa 1");
    CHECK(decide(none, b, c) == "bb 2");
    CHECK(decide(none, none, c) == "cc 3");
    CHECK(decide(none, none, none) ==
          "not_found: a.example is no domain of ours and has no TXT record naming an app");
  }

  TEST_CASE("a malformed record is an error, not a reason to ask on; a failed look-up is one")
  {
    const TxtAnswer none{};
    const TxtAnswer bad{Kind::found, "x"};
    const TxtAnswer failed{Kind::failed, ""};
    const TxtAnswer good{Kind::found, "aa:1"};
    CHECK(decide(bad, good, good) == "exact TXT record: \"x\" (want APP-ID:PORT)");
    CHECK(decide(none, bad, good) == "legacy TXT record: \"x\" (want APP-ID:PORT)");
    CHECK(decide(none, none, bad) == "malformed: wildcard TXT record: \"x\" (want APP-ID:PORT)");
    CHECK(decide(failed, good, none) == "aa 1");
    CHECK(decide(failed, failed, good) == "aa 1");
    CHECK(decide(failed, none, none) == "io: the TXT records of a.example could not be asked for");
    CHECK(decide(none, none, failed) == "io: the TXT records of a.example could not be asked for");
  }
}

} // namespace dstack::route
