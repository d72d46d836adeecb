#include "vault/replication_file.hpp"
#include "sys/test_directory.hpp"

#include "vault/rotation.hpp"
#include "vault/test_roots.hpp"
#include "vault/test_tools.hpp"

#include <doctest/doctest.h>

namespace dstack::vault {

namespace {


constexpr Time rotated_at{testing::now * 1000};

OpenRoot make(const Vault& vault)
{
  Birth birth;
  birth.now = testing::now;
  auto made = vault.create(WithPassphrase{testing::passphrase("words"), testing::cheap}, birth);
  REQUIRE(made);
  return *std::move(made);
}

} // namespace

TEST_SUITE("vault::replication_file")
{
  TEST_CASE("the replication log starts with its opening and goes on over starts and torn lines")
  {
    const sys::TestDirectory scratch;
    const auto root = testing::published_root();
    const auto signer = *crypto::k256_public(root.root.k256);
    const sys::fs::path path = scratch.path / "replication.jsonl";
    constexpr Time now{1'767'225'600'000};
    const auto join = [&](ReplicationFile& file) {
      kms::ReplicationEntry entry;
      entry.event = kms::ReplicationEvent::joined;
      entry.spki.fill(7);
      return file.append(entry, root.root.k256, now);
    };
    for (int i = 0; i < 2; ++i) {
      ReplicationFile file{path};
      CHECK_FALSE(join(file)); // not open yet
      REQUIRE(file.open(signer, root.root.k256, now));
      REQUIRE(join(file));
    }
    std::string text = *sys::read_text(path, max_replication_log);
    CHECK(kms::verify_replication(text, signer)->head.entries == 3);
    REQUIRE(sys::write_file_atomic(path, as_bytes(text + "{\"seq\":4,"), sys::Privacy::owner_only));
    ReplicationFile torn{path};
    REQUIRE(torn.open(signer, root.root.k256, now));
    REQUIRE(join(torn));
    text = *sys::read_text(path, max_replication_log);
    CHECK(kms::verify_replication(text, signer)->head.entries == 4);
    text[text.find("127.0") == std::string::npos ? 40 : 41] ^= 1;
    REQUIRE(sys::write_file_atomic(path, as_bytes(text), sys::Privacy::owner_only));
    ReplicationFile changed{path};
    CHECK_FALSE(changed.open(signer, root.root.k256, now));
  }

  TEST_CASE("an epoch that is added is written down")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path};
    const OpenRoot root = make(vault);
    ReplicationFile log{scratch.path / "replication.jsonl"};
    REQUIRE(log.open(root.open.k256, root.material.root.k256, rotated_at));
    const Rotation rotation = add_epoch(vault, root, log, rotated_at);
    CHECK(rotation.done);
    REQUIRE(rotation.root);
    CHECK(rotation.root->open.current_epoch() == 1);
    const std::string text =
        *sys::read_text(scratch.path / "replication.jsonl", max_replication_log);
    const auto summary = kms::verify_replication(text, root.open.k256);
    REQUIRE(summary->entries.size() == 2);
    CHECK(summary->entries[1].event == kms::ReplicationEvent::rotated);
    CHECK(summary->entries[1].epoch == 1);
  }

  TEST_CASE("a replica that was there before an epoch gets it from another, and none twice")
  {
    const sys::TestDirectory scratch;
    const auto adopt = [&](const char* name) {
      Birth birth;
      birth.now = testing::now;
      return *Vault{scratch.path / name}.adopt(
          testing::published_root(), WithPassphrase{testing::passphrase("words"), testing::cheap},
          birth);
    };
    const OpenRoot first = adopt("first");
    const OpenRoot second = adopt("second");
    const Vault vault{scratch.path / "second"};
    ReplicationFile log{scratch.path / "replication.jsonl"};
    REQUIRE(log.open(first.open.k256, first.material.root.k256, rotated_at));
    const RootMaterial there =
        *with_new_epoch(*with_new_epoch(first.material, testing::now), testing::now + 9);

    const Rotation taken = take_epochs(vault, second, {there, "https://first"}, log, rotated_at);
    CHECK(taken.done);
    REQUIRE(taken.root);
    CHECK(taken.root->open.epochs.size() == 3);
    CHECK(taken.root->open.epochs[2].created_at == testing::now + 9);
    const auto opened = vault.open(testing::passphrase("words"), testing::now);
    CHECK(equal(opened->material.epochs[1].seed.view(), there.epochs[1].seed.view()));
    const std::string text =
        *sys::read_text(scratch.path / "replication.jsonl", max_replication_log);
    CHECK(kms::verify_replication(text, first.open.k256)->entries.back().about ==
          "epoch 2 of https://first");

    const Rotation again =
        take_epochs(vault, *taken.root, {there, "https://first"}, log, rotated_at);
    CHECK(again.done);
    CHECK_FALSE(again.root);
    const Rotation refused =
        take_epochs(vault, *taken.root, {generate_root(), "x"}, log, rotated_at);
    CHECK_FALSE(refused.done);
    CHECK_FALSE(refused.root);
  }

  TEST_CASE("whatever fails, who has the root open learns what the disk has")
  {
    const sys::TestDirectory scratch;
    bool fails = false;
    const Vault vault{scratch.path, [&](std::string_view step) {
                        if (fails && step == "rotate.public.synced")
                          sys::fs::remove(scratch.path / "root/public.json.new");
                      }};
    const OpenRoot root = make(vault);
    ReplicationFile closed{scratch.path / "replication.jsonl"};
    const Rotation unwritten = add_epoch(vault, root, closed, rotated_at);
    REQUIRE_FALSE(unwritten.done);
    CHECK(unwritten.done.error().message().starts_with("epoch 1 was added, but not written down"));
    REQUIRE(unwritten.root);
    CHECK(unwritten.root->open.current_epoch() == 1);

    fails = true; // after sealed.json has the epoch, before public.json tells of it
    const Rotation halfway = add_epoch(vault, *unwritten.root, closed, rotated_at);
    CHECK_FALSE(halfway.done);
    REQUIRE(halfway.root);
    CHECK(halfway.root->open.current_epoch() == 2);
    CHECK(vault.read_public()->current_epoch() == 2);

    fails = false;
    const Rotation stale = add_epoch(vault, root, closed, rotated_at);
    REQUIRE_FALSE(stale.done);
    CHECK(stale.done.error().message().find("epoch 2 was added meanwhile") != std::string::npos);
    REQUIRE(stale.root);
    CHECK(stale.root->open.current_epoch() == 2);
  }
}

} // namespace dstack::vault
