#include "etcd/messages.hpp"

#include <doctest/doctest.h>

namespace dstack::etcd {

namespace {

/// As etcd 3.4.23 answered: a transaction that failed, and read what is there.
constexpr std::string_view refused = R"({"header":{"cluster_id":"14841639068965178418",)"
                                     R"("member_id":"10276657743932975437","revision":"7",)"
                                     R"("raft_term":"2"},"responses":[{"response_range":{"header":)"
                                     R"({"revision":"7"},"kvs":[{"key":"L2Evaw==",)"
                                     R"("create_revision":"3","mod_revision":"6","version":"2",)"
                                     R"("value":"AQI=","lease":"7587871"}],"count":"1"}},)"
                                     R"({"response_range":{"header":{"revision":"7"}}}]})";

std::string why(const auto& result)
{
  return result ? std::string{"(none)"} : result.error().message();
}

} // namespace

TEST_SUITE("etcd::messages")
{
  TEST_CASE("requests in the form of the API")
  {
    CHECK(range_request({"/a", "/b", 5, 10}) ==
          R"({"key":"L2E=","range_end":"L2I=","revision":"5","limit":"10"})");
    CHECK(range_request({"/a", "", 0, 0}) == R"({"key":"L2E="})");
    CHECK(grant_request(15) == R"({"TTL":"15"})");
    CHECK(lease_request(7587871) == R"({"ID":"7587871"})");
    CHECK(watch_request("/a", "/b", 8) ==
          R"({"create_request":{"key":"L2E=","range_end":"L2I=","start_revision":"8"}})");
    CHECK(authenticate_request("u", "p\"") == R"({"name":"u","password":"p\""})");
    Transaction txn;
    txn.conditions = {{Condition::Of::changed, "/a", 4}, {Condition::Of::changed, "/b", 0}};
    txn.operations = {Put{"/a", {1, 2}, 9}, Delete{"/c"}};
    CHECK(transaction_request(txn) ==
          R"({"compare":[{"key":"L2E=","result":"EQUAL","target":"MOD","mod_revision":"4"},)"
          R"({"key":"L2I=","result":"EQUAL","target":"CREATE","create_revision":"0"}],)"
          R"("success":[{"request_put":{"key":"L2E=","value":"AQI=","lease":"9"}},)"
          R"({"request_delete_range":{"key":"L2M="}}],)"
          R"("failure":[{"request_range":{"key":"L2E="}},{"request_range":{"key":"L2I="}}]})");
  }

  TEST_CASE("a transaction that need not tell why it is not done")
  {
    Transaction txn;
    txn.tells = false;
    txn.conditions = {{Condition::Of::changed, "/a", 4}};
    txn.operations = {Delete{"/c"}};
    CHECK(transaction_request(txn) ==
          R"({"compare":[{"key":"L2E=","result":"EQUAL","target":"MOD","mod_revision":"4"}],)"
          R"("success":[{"request_delete_range":{"key":"L2M="}}],"failure":[]})");
  }

  TEST_CASE("a transaction that only asks reads, so that the majority is asked")
  {
    Transaction txn;
    txn.conditions = {{Condition::Of::created, "/a", 4}};
    CHECK(transaction_request(txn) ==
          R"({"compare":[{"key":"L2E=","result":"EQUAL","target":"CREATE",)"
          R"("create_revision":"4"}],"success":[{"request_range":{"key":"L2E="}}],)"
          R"("failure":[{"request_range":{"key":"L2E="}}]})");
  }

  TEST_CASE("outcomes")
  {
    const auto no = parse_outcome(refused);
    REQUIRE_MESSAGE(no, no.error().message());
    CHECK_FALSE(no->done);
    CHECK(no->revision == 7);
    REQUIRE(no->there.size() == 1);
    CHECK(no->there[0].key == "/a/k");
    CHECK(no->there[0].value == Bytes{1, 2});
    CHECK(no->there[0].created == 3);
    CHECK(no->there[0].changed == 6);
    CHECK(no->there[0].lease == 7587871);
    const auto yes = parse_outcome(R"({"header":{"revision":"8"},"succeeded":true,)"
                                   R"("responses":[{"response_put":{"header":{}}}]})");
    CHECK((yes && yes->done && yes->revision == 8 && yes->there.empty()));
    CHECK(why(parse_outcome("{}")).find("header") != std::string::npos);
    CHECK_FALSE(parse_outcome(R"({"header":{"revision":"-1"}})"));
    CHECK_FALSE(parse_outcome(R"({"header":{"revision":"1x"}})"));
  }

  TEST_CASE("what a range found, page by page")
  {
    const auto found = parse_found(R"({"header":{"revision":"9"},"kvs":[{"key":"YQ==",)"
                                   R"("mod_revision":"2"}],"more":true,"count":"3"})");
    REQUIRE(found);
    CHECK(found->more);
    CHECK(found->all[0].value.empty());
    CHECK(parse_found(R"({"header":{"revision":"9"}})")->all.empty());
    CHECK_FALSE(parse_found(R"({"header":{"revision":"9"},"kvs":[{"key":""}]})"));
    CHECK_FALSE(parse_found(R"({"header":{"revision":"9"},"kvs":[{"key":"!"}]})"));
    CHECK_FALSE(parse_found(R"({"header":{"revision":"9"},"kvs":{}})"));
  }

  TEST_CASE("leases: granted, kept alive, and over")
  {
    CHECK(parse_lease(R"({"header":{},"ID":"12","TTL":"15"})")->seconds == 15);
    const auto kept = parse_lease("{\"result\":{\"header\":{},\"ID\":\"12\",\"TTL\":\"14\"}}\n");
    CHECK((kept && kept->id == 12 && kept->seconds == 14));
    CHECK(parse_lease(R"({"result":{"header":{},"ID":"12"}})")->seconds == 0);
    CHECK(parse_lease(R"({"result":{"ID":"12","TTL":"-1"}})")->seconds == 0);
    CHECK_FALSE(parse_lease(R"({"TTL":"15"})"));
    CHECK(why(parse_lease(R"({"error":{"grpc_code":14,"message":"etcdserver: no leader"}})")) ==
          "etcd: etcdserver: no leader");
  }

  TEST_CASE("what a watch tells")
  {
    const auto begun = parse_notice(R"({"result":{"header":{"revision":"9"},"created":true}})");
    CHECK((begun && begun->events.empty() && !begun->ended));
    const auto told =
        parse_notice(R"({"result":{"header":{"revision":"11"},"events":[{"kv":{"key":"YQ==",)"
                     R"("create_revision":"10","mod_revision":"10","version":"1","value":"eA=="}},)"
                     R"({"type":"DELETE","kv":{"key":"Yg==","mod_revision":"11"}}]}})");
    REQUIRE_MESSAGE(told, told.error().message());
    REQUIRE(told->events.size() == 2);
    CHECK_FALSE(told->events[0].deleted);
    CHECK(told->events[1].deleted);
    CHECK(told->events[1].item.changed == 11);
    const auto gone = parse_notice(
        R"({"result":{"header":{"revision":"11"},"canceled":true,"compact_revision":"5"}})");
    CHECK((gone && gone->ended && gone->compacted == 5));
    CHECK_FALSE(parse_notice(R"({"result":{"events":[{"type":"MOVE","kv":{"key":"YQ=="}}]}})"));
    CHECK_FALSE(parse_notice(R"({"result":{"events":[{"kv":{"key":"YQ=="}}]}})"));
    CHECK(parse_notice(R"({"error":{"grpc_code":14,"message":"no leader"}})").error().code() ==
          Errc::io);
  }

  TEST_CASE("refusals: whether another member may do better")
  {
    CHECK(refusal(503, R"({"error":"etcdserver: request timed out","code":14})").code() ==
          Errc::io);
    CHECK(refusal(404, R"({"error":"etcdserver: requested lease not found","code":5})").code() ==
          Errc::not_found);
    CHECK(refusal(400, R"({"error":"compacted","message":"compacted","code":11})").code() ==
          Errc::not_found);
    CHECK(refusal(401, R"({"error":"invalid auth token","code":16})").code() == Errc::denied);
    CHECK(refusal(400, R"({"error":"etcdserver: revision of auth store is old","code":3})").code() ==
          Errc::denied);
    CHECK(refusal(429, R"x({"error":"grpc: received message larger than max (4778467 vs. 4194304)",)x"
                       R"x("code":8})x")
              .code() == Errc::unsupported);
    CHECK(refusal(429, R"({"error":"etcdserver: mvcc: database space exceeded","code":8})").code() ==
          Errc::io);
    CHECK(refusal(400, "CommonName ignored\n").message() ==
          "etcd: HTTP status 400: CommonName ignored");
    CHECK(refusal(500, "{}").message() == "etcd: HTTP status 500");
    CHECK(refusal(500, "{\"error\":\"a\\u001b[1m\"}").message().find('\x1b') == std::string::npos);
  }

  TEST_CASE("no truncated answer is taken for another")
  {
    for (std::size_t n = 0; n < refused.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(parse_outcome(refused.substr(0, n)));
    }
  }

  TEST_CASE("the end of all keys with a prefix")
  {
    CHECK(end_of_prefix("/a/") == "/a0");
    CHECK(end_of_prefix("a\xff") == "b");
    CHECK(end_of_prefix("\xff") == std::string(1, '\0'));
  }
}

} // namespace dstack::etcd
