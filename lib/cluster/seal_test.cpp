#include "cluster/seal.hpp"

#include <doctest/doctest.h>
#include <set>

namespace dstack::cluster {

namespace {

Seal seal_of(std::uint8_t secret)
{
  return Seal{SecretBytes{Bytes(32, secret)}, "/dstack/gateway"};
}

} // namespace

TEST_SUITE("cluster::Seal")
{
  TEST_CASE("keys tell the kind, and nothing of what they are of")
  {
    const Seal seal = seal_of(1);
    const std::string key = seal.key(Kind::instance, "b2b2");
    CHECK(key.starts_with("/dstack/gateway/1/i/"));
    CHECK(key.size() == seal.prefix().size() + 2 + 32);
    CHECK(key.find("b2b2") == std::string::npos);
    CHECK(key == seal_of(1).key(Kind::instance, "b2b2"));
    CHECK(key != seal_of(2).key(Kind::instance, "b2b2"));
    CHECK(key != seal.key(Kind::instance, "b2b3"));
    CHECK(key.substr(key.size() - 32) != seal.key(Kind::key, "b2b2").substr(key.size() - 32));
    CHECK(seal.kind_of(key) == Kind::instance);
    std::set<std::string> all;
    for (const Kind kind : {Kind::cluster, Kind::node, Kind::alive, Kind::standing, Kind::instance,
                            Kind::operated, Kind::key, Kind::address, Kind::domain, Kind::account,
                            Kind::certificate, Kind::attestation, Kind::heard, Kind::challenge,
                            Kind::seen, Kind::lock}) {
      CHECK(seal.kind_of(seal.key(kind, "x")) == kind);
      all.insert(seal.key(kind, "x"));
    }
    CHECK(all.size() == 16);
  }

  TEST_CASE("other keys are nobody's")
  {
    const Seal seal = seal_of(1);
    std::string key = seal.key(Kind::node, "1");
    CHECK_FALSE(seal.kind_of(key + "0"));
    CHECK_FALSE(seal.kind_of(std::string_view{key}.substr(1)));
    CHECK_FALSE(seal.kind_of(seal.prefix()));
    key[seal.prefix().size()] = 'z';
    CHECK_FALSE(seal.kind_of(key));
    key[seal.prefix().size()] = 'n';
    key.back() = 'G';
    CHECK_FALSE(seal.kind_of(key));
  }

  TEST_CASE("what is sealed opens for its key alone, and never the same twice")
  {
    const Seal seal = seal_of(1);
    const std::string key = seal.key(Kind::domain, "example.com");
    const Bytes closed = *seal.close(key, as_bytes("hello"));
    const auto open = seal.open(key, closed);
    REQUIRE(open);
    CHECK(as_text(open->view()) == "hello");
    CHECK(seal.open(seal.key(Kind::domain, "example.org"), closed).error().code() ==
          Errc::untrusted);
    CHECK_FALSE(seal_of(2).open(key, closed));
    CHECK(*seal.close(key, as_bytes("hello")) != closed);
  }

  TEST_CASE("every changed or missing byte is noticed")
  {
    const Seal seal = seal_of(1);
    const std::string key = seal.key(Kind::node, "1");
    const Bytes closed = *seal.close(key, as_bytes("hello"));
    for (std::size_t i = 0; i < closed.size(); ++i) {
      CAPTURE(i);
      Bytes odd = closed;
      odd[i] ^= 1U;
      CHECK_FALSE(seal.open(key, odd));
      CHECK_FALSE(seal.open(key, ByteView{closed}.first(i)));
    }
  }

  TEST_CASE("what is too large is not shared")
  {
    const Seal seal = seal_of(1);
    const std::string key = seal.key(Kind::node, "1");
    CHECK(seal.close(key, Bytes(max_plain)));
    CHECK(seal.close(key, Bytes(max_plain + 1)).error().code() == Errc::unsupported);
    CHECK_FALSE(seal.open(key, Bytes(2 * max_plain)));
  }
}

} // namespace dstack::cluster
