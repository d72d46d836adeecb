#include "cluster/records.hpp"

#include <doctest/doctest.h>

namespace dstack::cluster {

namespace {

route::RegistryEntry entry()
{
  route::RegistryEntry out;
  out.instance_id = hex(Bytes(20, 0xb2));
  out.app_id = hex(Bytes(20, 0xa1));
  out.compose_hash = hex(Bytes(32, 0xc1));
  out.public_key.fill(7);
  out.address = *route::parse_address("10.8.64.9");
  out.registered = Time{1'800'000'000'123};
  out.policies.reported = route::PortPolicy{route::PortPolicy::Access::listed, {{443, true}}};
  return out;
}

Node node()
{
  return {3,        Bytes(16, 5), "https://gw3:8010", base64(Bytes(32, 9)), "10.8.128.1/16",
          "gw3:51820", "0.1.0"};
}

ByteView view(std::string_view text)
{
  return as_bytes(text);
}

} // namespace

TEST_SUITE("cluster::records")
{
  TEST_CASE("an instance, without what operators set")
  {
    route::RegistryEntry one = entry();
    one.policies.set_by_admin = route::PortPolicy{};
    const auto read = read_instance(write(one).view());
    REQUIRE_MESSAGE(read, read.error().message());
    CHECK(*read == entry());
    one.policies.reported.reset();
    CHECK_FALSE(read_instance(write(one).view())->policies.reported);
  }

  TEST_CASE("a node")
  {
    CHECK(*read_node(write(node()).view()) == node());
    Node alone = node();
    alone.wg_public_key = alone.wg_ip = alone.wg_endpoint = "";
    CHECK(*read_node(write(alone).view()) == alone);
    Node odd = node();
    odd.wg_endpoint = "gw3:51820\n[Peer]";
    CHECK_FALSE(read_node(write(odd).view()));
    odd = node();
    odd.id = 0;
    CHECK_FALSE(read_node(write(odd).view()));
    odd = node();
    odd.uuid.pop_back();
    CHECK_FALSE(read_node(write(odd).view()));
    odd = node();
    odd.wg_public_key = "short";
    CHECK_FALSE(read_node(write(odd).view()));
  }

  TEST_CASE("what operators set")
  {
    Operated one{entry().instance_id, route::PortPolicy{}, true};
    const auto read = read_operated(write(one).view());
    REQUIRE(read);
    CHECK(read->policy == one.policy);
    CHECK(read->drained);
    CHECK_FALSE(read_operated(view(R"({"instance":"AB"})"))); // upper case would be another name
    CHECK_FALSE(read_standing(write(Standing{2, false}).view())->accepting);
    const gateway::DomainSettings domain{"b.example", "wildcard", {"dns-01"}, "cf", "", 3};
    CHECK(*read_domain(write(domain).view()) == domain);
    CHECK_FALSE(read_domain(view(R"({"name":"*.B.example"})")));
  }

  TEST_CASE("certificates, accounts and what vouches for them")
  {
    const auto certificate =
        read_certificate(write(Certificate{"a.example", "chain", "key", Time{5}, 2}).view());
    REQUIRE(certificate);
    CHECK(certificate->key_pem == "key");
    CHECK(certificate->node == 2);
    const Account account{"https://ca/dir", "https://ca/1", SecretBytes{Bytes{1, 2}}};
    const auto read = read_account(write(account).view());
    REQUIRE(read);
    CHECK(to_bytes(read->key_der.view()) == Bytes{1, 2});
    CHECK_FALSE(read_account(view(R"({"directory":"d","url":"","key":"AQI="})")));
    const Attestation vouched{"zt-cert:a.example", {{1, 2}, "quote", "", Time{6}}};
    const auto again = read_attestation(write(vouched).view());
    REQUIRE(again);
    CHECK(again->what.public_key == Bytes{1, 2});
    CHECK(again->what.quote == "quote");
  }

  TEST_CASE("whom a node heard of, in few bytes each")
  {
    Heard one{2, 17, {}};
    for (int i = 0; i < 10'000; ++i)
      one.instances[mark_of(fmt::format("{}", i))] = 1'800'000'000 + i;
    const SecretBytes written = write(one);
    CHECK(written.size() < 170'000);
    const auto read = read_heard(written.view());
    REQUIRE(read);
    CHECK(read->connections == 17);
    CHECK(read->instances == one.instances);
    CHECK_FALSE(read_heard(view(R"({"node":2,"heard":"AAAA"})")));
  }

  TEST_CASE("challenges, and up to where they are answered")
  {
    Challenges one;
    one.node = 1;
    one.alpn = {{"a.example", "certificate", "key"}};
    one.http = {{"b.example", "/.well-known/x", "body"}};
    const auto read = read_challenges(write(one).view());
    REQUIRE(read);
    CHECK(read->alpn[0].key_pem == "key");
    CHECK(read->http[0].path == "/.well-known/x");
    CHECK(read_seen(write(Seen{2, 77}).view())->revision == 77);
  }

  TEST_CASE("no truncated record is taken for another")
  {
    const SecretBytes whole = write(entry());
    for (std::size_t n = 0; n < whole.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(read_instance(whole.view().first(n)));
    }
  }

  TEST_CASE("nonsense is refused with what is wrong")
  {
    for (const char* text : {"", "[]", "{}", R"({"node":17})", R"({"node":"1"})", "null"}) {
      CAPTURE(text);
      CHECK_FALSE(read_node(view(text)));
      CHECK_FALSE(read_standing(view(text)));
      CHECK_FALSE(read_instance(view(text)));
      CHECK_FALSE(read_operated(view(text)));
      CHECK_FALSE(read_domain(view(text)));
      CHECK_FALSE(read_certificate(view(text)));
      CHECK_FALSE(read_account(view(text)));
      CHECK_FALSE(read_attestation(view(text)));
      CHECK_FALSE(read_heard(view(text)));
      CHECK_FALSE(read_challenges(view(text)));
      CHECK_FALSE(read_seen(view(text)));
    }
  }
}

} // namespace dstack::cluster
