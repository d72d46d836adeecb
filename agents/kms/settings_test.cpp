#include "agents/kms/custody_shelf.hpp"
#include "agents/kms/launch_settings.hpp"
#include "sys/test_directory.hpp"
#include "vault/share_file.hpp"
#include "vault/test_roots.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsnode {

using codec::Json;

namespace {


} // namespace

TEST_SUITE("kmsnode::settings")
{
  TEST_CASE("what a starter says, and nothing else")
  {
    Json config;
    config.set("agent", "unix:/a").set("threshold", 2);
    config.set("custodians", codec::JsonArray{Json{"alice"}});
    const auto read = launch_settings(config);
    REQUIRE(read);
    CHECK(read->agent == "unix:/a");
    CHECK(read->custodians.size() == 1);
    CHECK(read->threshold == 2);
    CHECK(launch_settings(Json::object()));
    CHECK_FALSE(launch_settings(Json{}.set("passphrase", "secret")));
    CHECK_FALSE(launch_settings(Json{}.set("agent", 1)));
  }

  TEST_CASE("a held share is found by its cluster, among files that are none")
  {
    const sys::TestDirectory scratch;
    const auto shares = vault::testing::shares(3, 2);
    const SecretBytes text = vault::write_share(shares[0]);
    const auto put = [&](const char* name, ByteView data) {
      REQUIRE(sys::write_file_atomic(scratch.path / name, data, sys::Privacy::owner_only));
    };
    put("junk.json", as_bytes("{}"));
    put("share.txt", text.view());
    CHECK(held_share(scratch.path, shares[0].cluster).error().code() == Errc::not_found);
    put("share.json", text.view());
    CHECK(*held_share(scratch.path, shares[0].cluster) == as_text(text.view()));
    CHECK_FALSE(held_share(scratch.path, Bytes(32, 1)));
    CHECK_FALSE(held_share(scratch.path / "nowhere", shares[0].cluster));
  }

  TEST_CASE("of the shares of this root only those that are sealed to a key can be fetched")
  {
    const sys::TestDirectory scratch;
    CHECK(codec::write_json(shares_to_fetch(scratch.path / "nowhere")) ==
          R"({"schema":"dstack.kms.shares/1","shares":[]})");
    const auto shares = vault::testing::shares(3, 2);
    const auto put = [&](const char* name, ByteView data) {
      REQUIRE(sys::write_file_atomic(scratch.path / name, data, sys::Privacy::owner_only));
    };
    const auto alice = crypto::BoxKey::generate();
    const auto bob = crypto::BoxKey::generate();
    put("1.json", *vault::write_share(shares[1], bob.public_key()));
    put("2.json", *vault::write_share(shares[0], alice.public_key()));
    put("3.json", vault::write_share(shares[2]).view());
    const Json all = shares_to_fetch(scratch.path);
    const auto& list = all.find("shares")->items();
    REQUIRE(list.size() == 2);
    vault::ShareKey key;
    key.box = &alice;
    CHECK(vault::read_share(as_bytes(list[0].text()), key)->custodian() == shares[0].custodian());
  }
}

} // namespace dstack::kmsnode
