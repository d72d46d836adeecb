#include "agents/kms/unsealing.hpp"

#include "kmsapi/test_world.hpp"
#include "net/http_server.hpp"
#include "rpc/prpc.hpp"
#include "sys/sockets.hpp"
#include "sys/workers.hpp"
#include "vault/test_roots.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsnode {

namespace {

/// A guest agent that attests whatever it is asked to, on a thread of its own loop.
class Agent {
public:
  Agent()
  {
    service_.methods["Attest"] = rpc::Method{[](const codec::Json& params) -> Result<codec::Json> {
      attest::Attestation blob;
      blob.quote = Bytes(1000, 4);
      blob.event_log = {attest::to_tdx_event({"app-id", Bytes(20, 0xa1)})};
      blob.report_data = TRY(parse_hex_array<64>(TRY(params.need_string("report_data"))));
      return codec::Json{}.set("attestation", hex(attest::encode(blob)));
    }};
    server_ = std::make_unique<net::HttpServer>(
        *loop_, net::ServerLimits{},
        [this](const http::Request& request, const net::Responder& to) {
          to.send(rpc::answer(service_, request));
        });
    REQUIRE(server_->serve(*sys::listen_unix(path_ / "agent.sock", 0700)));
  }
  ~Agent() { static_cast<void>(sys::remove_tree(path_)); }

  /// Calls work while the agent answers.
  void during(const std::function<void(const GuestAgent&)>& work)
  {
    const auto agent = *GuestAgent::at("unix:" + (path_ / "agent.sock").string());
    const auto pool = *sys::WorkerPool::create(*loop_, {1, 1});
    REQUIRE(pool->run([&] { work(agent); }, [this] { loop_->stop(); }));
    REQUIRE(loop_->run());
  }

private:
  sys::fs::path path_ =
      *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-unseal-test");
  std::unique_ptr<sys::Loop> loop_ = *sys::Loop::create();
  rpc::Service service_;
  std::unique_ptr<net::HttpServer> server_;
};

} // namespace

TEST_SUITE("kmsnode::unsealing")
{
  TEST_CASE("shares sealed to the attested key come in; false ones are named, none opens twice")
  {
    Agent agent;
    const auto shares = vault::testing::shares(3, 2);
    vault::PublicRoot root;
    root.cluster = shares[0].cluster;
    vault::Custody custody;
    custody.provider = vault::Provider::quorum;
    custody.circle = shares[0].circle;
    kmsapi::testing::World world;
    std::unique_ptr<Unsealing> unsealing;
    agent.during([&](const GuestAgent& at) {
      auto begun = Unsealing::begin(at, world.outside.prove, *world.state.policy, root, custody);
      if (begun) unsealing = *std::move(begun);
    });
    REQUIRE(unsealing);
    const auto shown = unsealing->document();
    CHECK(world.bound_to == kmsapi::unseal_report_data(shown.public_key));
    CHECK(attest::parse_attestation(shown.attestation)->report_data == world.bound_to);
    CHECK(shown.threshold == 2);
    CHECK(*unsealing->add(*vault::write_share(shares[1], shown.public_key)) == 1);
    CHECK(*unsealing->add(*vault::write_share(shares[1], shown.public_key)) == 1);
    vault::CustodianShare lie = shares[2];
    lie.share.value = crypto::RistrettoScalar::random();
    const auto refused = unsealing->add(*vault::write_share(lie, shown.public_key));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("'c3' (3)") != std::string::npos);
    const auto elsewhere = crypto::BoxKey::generate();
    CHECK_FALSE(unsealing->add(*vault::write_share(shares[2], elsewhere.public_key())));
    CHECK_FALSE(unsealing->complete());
    CHECK(*unsealing->add(vault::write_share(shares[2]).view()) == 2); // from a peer, over TLS
    CHECK(unsealing->complete());
    CHECK(unsealing->progress() == "2 of 2 shares are in (c2, c3)");
    CHECK(unsealing->document().in == std::vector<std::string>{"c2", "c3"});
  }

  TEST_CASE("a peer is asked for as long as its share is not in, and by one job at a time")
  {
    const std::vector<kms::CustodianPeer> peers = {{"https://a", "alice"},
                                                   {"https://b", "bob"},
                                                   {"https://b2", "bob"},
                                                   {"https://c", "carol"}};
    CHECK(peers_to_ask(peers, {}, {}) == peers);
    CHECK(peers_to_ask(peers, {"bob"}, {"https://a"}) ==
          std::vector<kms::CustodianPeer>{{"https://c", "carol"}});
    CHECK(peers_to_ask(peers, {"alice", "carol"}, {"https://b"}) ==
          std::vector<kms::CustodianPeer>{{"https://b2", "bob"}});
  }
}

} // namespace dstack::kmsnode
