#include "vault/vault.hpp"
#include "sys/test_directory.hpp"

#include "vault/share_directory.hpp"
#include "vault/test_roots.hpp"
#include "vault/test_tools.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>
#include <sys/stat.h>

namespace dstack::vault {

namespace {

namespace fs = std::filesystem;
using testing::cheap;
using testing::code_of;
using testing::now;
using testing::passphrase;

WithPassphrase words()
{
  return {passphrase("correct horse"), cheap};
}

Birth birth()
{
  Birth out;
  out.now = now;
  return out;
}

/// Keeps the shares for the test.
Birth handing_to(std::vector<CustodianShare>& out)
{
  Birth one = birth();
  one.before_commit = [&out](const Newborn& newborn) -> Status {
    out = newborn.shares;
    return ok();
  };
  return one;
}

WithCustodians two_of_three()
{
  return {{"alice", "bob", "carol"}, 2};
}

unsigned mode(const fs::path& path)
{
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

std::set<std::string> names_in(const fs::path& directory)
{
  std::set<std::string> out;
  for (const auto& one : fs::recursive_directory_iterator{directory})
    out.insert(fs::relative(one.path(), directory).string());
  return out;
}

bool same_root(const RootMaterial& a, const RootMaterial& b)
{
  return equal(encode(a).view(), encode(b).view());
}

} // namespace

TEST_SUITE("vault::vault")
{
  TEST_CASE("a root is made once, opens with its passphrase and with no other")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path / "kms"};
    CHECK_FALSE(vault.exists());
    const auto missing = vault.open(passphrase("x"), now);
    CHECK(code_of(missing) == Errc::not_found);
    CHECK(missing.error().message().find("dstack kms init") != std::string::npos);

    const auto made = vault.create(words(), birth());
    REQUIRE(made);
    CHECK(vault.exists());
    CHECK(names_in(vault.directory()) ==
          std::set<std::string>{"root", "root/public.json", "root/sealed.json", "vault.lock"});
    CHECK(mode(vault.directory() / "root") == 0700);
    CHECK(mode(vault.directory() / "root/sealed.json") == 0600);
    CHECK(mode(vault.directory() / "root/public.json") == 0600);

    const auto opened = vault.open(passphrase("correct horse"), now);
    REQUIRE(opened);
    CHECK(same_root(opened->material, made->material));
    CHECK(opened->open == made->open);
    CHECK(*vault.read_public() == made->open);
    CHECK(code_of(vault.open(passphrase("correct house"), now)) == Errc::untrusted);
    CHECK(code_of(vault.open(std::vector<crypto::Share>{}, now)) == Errc::denied);
    CHECK(same_root(vault.reopen(made->sealing_key, now)->material, made->material));

    const auto again = vault.create(words(), birth());
    CHECK(code_of(again) == Errc::denied);
    CHECK(again.error().message().find("already bootstrapped") != std::string::npos);
    CHECK(code_of(vault.adopt(testing::published_root(), words(), birth())) == Errc::denied);
    CHECK(same_root(vault.open(passphrase("correct horse"), now)->material, made->material));
  }

  TEST_CASE("two custodians of three open a root, one does not, a liar is named")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path};
    std::vector<CustodianShare> given;
    const auto made = vault.create(two_of_three(), handing_to(given));
    REQUIRE(made);
    REQUIRE(given.size() == 3);
    CHECK(vault.read_custody()->circle.custodians ==
          std::vector<std::string>{"alice", "bob", "carol"});
    for (const auto& [a, b] : {std::pair{0U, 1U}, {0U, 2U}, {2U, 1U}}) {
      const auto opened = vault.open({given[a].share, given[b].share}, now);
      REQUIRE(opened);
      CHECK(same_root(opened->material, made->material));
    }
    const auto one = vault.open({given[2].share}, now);
    CHECK(code_of(one) == Errc::denied);
    CHECK(one.error().message() == "1 of 2 shares");
    crypto::Share lie{2, given[0].share.value};
    const auto refused = vault.open({given[0].share, lie}, now);
    CHECK(code_of(refused) == Errc::untrusted);
    CHECK(refused.error().message() ==
          "the share of custodian 'bob' (2) does not fit what the dealer committed to");
    CHECK(code_of(vault.open(passphrase("correct horse"), now)) == Errc::denied);
  }

  TEST_CASE("no file holds the root or the shared scalar of a quorum")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path};
    std::vector<CustodianShare> given;
    const auto made = vault.create(two_of_three(), handing_to(given));
    REQUIRE(made);
    const auto scalar =
        crypto::combine({given[0].share, given[1].share}, given[0].circle.commitments);
    const std::vector<Bytes> secrets = {
        to_bytes(made->material.root.ca.scalar().view()), to_bytes(made->material.root.k256.view()),
        to_bytes(scalar->view()), to_bytes(made->sealing_key.view())};
    for (const auto& file : fs::recursive_directory_iterator{scratch.path}) {
      if (!file.is_regular_file()) continue;
      const std::string text = *sys::read_text(file.path(), max_document);
      for (const Bytes& secret : secrets) {
        CHECK(text.find(hex(secret)) == std::string::npos);
        CHECK(text.find(as_text(secret)) == std::string::npos);
        CHECK(text.find(base64(secret)) == std::string::npos);
      }
    }
  }

  TEST_CASE("an onboarded root derives as its source does, and keeps its epochs")
  {
    const sys::TestDirectory scratch;
    const RootMaterial source = *with_new_epoch(testing::published_root(), now);
    const Vault vault{scratch.path};
    REQUIRE(vault.adopt(duplicate(source), words(), birth()));
    const auto opened = vault.open(passphrase("correct horse"), now);
    REQUIRE(opened);
    CHECK(equal(opened->material.root.ca.scalar().view(), source.root.ca.scalar().view()));
    CHECK(equal(opened->material.epochs[0].seed.view(), source.epochs[0].seed.view()));
    CHECK(opened->material.created_at == now);
  }

  TEST_CASE("where the keys were born is told by bootstrap-info.json, or there is no root")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path};
    Birth failing = birth();
    failing.attest = [](const PublicRoot&) -> Result<Bytes> {
      return fail(Errc::io, "no guest agent");
    };
    CHECK(code_of(vault.create(words(), failing)) == Errc::io);
    CHECK_FALSE(vault.exists());
    Birth attested = birth();
    attested.attest = [](const PublicRoot&) -> Result<Bytes> { return Bytes{1, 2}; };
    const auto made = vault.create(words(), attested);
    REQUIRE(made);
    const auto info = vault.bootstrap_info();
    REQUIRE(info);
    CHECK(*info->need_string("attestation") == "0102");
    CHECK(*info->need_string("ca_pubkey") == hex(made->open.ca_spki));
    CHECK(*info->need_string("k256_pubkey") == hex(made->open.k256));
    const fs::path file = scratch.path / "root/bootstrap-info.json";
    for (const char* bad : {"{", "[]", R"({"ca_pubkey":"","k256_pubkey":""})",
                            R"({"ca_pubkey":"","k256_pubkey":"","attestation":"zz"})",
                            R"({"ca_pubkey":"","k256_pubkey":"","attestation":7})"}) {
      REQUIRE(sys::write_file_atomic(file, as_bytes(bad), sys::Privacy::owner_only));
      CAPTURE(bad);
      CHECK(code_of(vault.bootstrap_info()) == Errc::malformed);
    }
  }

  TEST_CASE("an epoch that was added is there after opening again; a stale view adds none")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path};
    const auto made = vault.create(words(), birth());
    REQUIRE(made);
    const auto rotated = vault.rotate(*made, now + 10);
    REQUIRE(rotated);
    CHECK(rotated->material.current_epoch() == 1);
    CHECK(rotated->open.epochs.back() == EpochInfo{1, now + 10});
    CHECK(rotated->open.root_ca == made->open.root_ca);
    const auto stale = vault.rotate(*made, now + 20);
    CHECK(code_of(stale) == Errc::denied);
    CHECK(stale.error().message() == "epoch 1 was added meanwhile");
    const auto second = vault.rotate(*rotated, now + 20);
    REQUIRE(second);
    const auto opened = vault.open(passphrase("correct horse"), now + 30);
    REQUIRE(opened);
    CHECK(same_root(opened->material, second->material));
    CHECK(same_root(vault.reopen(made->sealing_key, now)->material, second->material));
    CHECK(vault.read_public()->current_epoch() == 2);
  }

  TEST_CASE("a public part that is lost, behind or about to end is written again")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path};
    const auto made = vault.create(words(), birth());
    REQUIRE(made);
    const fs::path file = scratch.path / "root/public.json";
    const Bytes before = *sys::read_file(file, max_document);
    REQUIRE(vault.rotate(*made, now));
    REQUIRE(sys::write_file_atomic(file, before, sys::Privacy::owner_only)); // as after a crash
    CHECK(vault.open(passphrase("correct horse"), now)->open.current_epoch() == 1);
    CHECK(vault.read_public()->current_epoch() == 1);
    CHECK(vault.read_public()->root_ca == made->open.root_ca);

    REQUIRE(sys::write_file_atomic(file, as_bytes("{"), sys::Privacy::owner_only));
    CHECK_FALSE(vault.read_public());
    CHECK(vault.open(passphrase("correct horse"), now));
    CHECK(vault.read_public());

    constexpr std::int64_t ten_years = std::int64_t{3650} * 86'400;
    const auto later = vault.open(passphrase("correct horse"), now + ten_years - 1000);
    REQUIRE(later);
    CHECK(later->open.root_ca != made->open.root_ca);
    CHECK(later->open.ca_spki == made->open.ca_spki);
  }

  TEST_CASE("two roots' files in one directory are refused")
  {
    const sys::TestDirectory scratch;
    const Vault one{scratch.path / "one"};
    const Vault two{scratch.path / "two"};
    REQUIRE(one.create(words(), birth()));
    REQUIRE(two.create(words(), birth()));
    fs::copy_file(scratch.path / "two/root/public.json", scratch.path / "one/root/public.json",
                  fs::copy_options::overwrite_existing);
    const auto refused = one.open(passphrase("correct horse"), now);
    CHECK(code_of(refused) == Errc::untrusted);
    CHECK(refused.error().message().find("two roots") != std::string::npos);
  }

  TEST_CASE("trap 20: anything of a root in the directory keeps a new one from being made")
  {
    for (const char* name : {"root", "root-ca.key", "root-k256.key", "bootstrap-info.json"}) {
      CAPTURE(name);
      const sys::TestDirectory scratch;
      REQUIRE(sys::write_file_atomic(scratch.path / name, as_bytes("x"), sys::Privacy::owner_only));
      const Vault vault{scratch.path};
      CHECK(vault.exists());
      CHECK(code_of(vault.create(words(), birth())) == Errc::denied);
      CHECK(names_in(scratch.path) == std::set<std::string>{name});
    }
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path};
    REQUIRE(vault.create(words(), birth()));
    fs::remove(scratch.path / "root/sealed.json");
    const auto damaged = vault.create(words(), birth());
    CHECK(code_of(damaged) == Errc::denied);
    CHECK(damaged.error().message().find("damaged") != std::string::npos);
    // A link that leads nowhere is something, too.
    fs::remove_all(scratch.path / "root");
    fs::create_symlink("/nowhere", scratch.path / "root");
    CHECK(code_of(vault.create(words(), birth())) == Errc::denied);
  }

  TEST_CASE("guards that guard nothing")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path / "kms"};
    std::vector<CustodianShare> given;
    CHECK(code_of(vault.create(WithPassphrase{SecretBytes{}, cheap}, birth())) == Errc::usage);
    for (const WithCustodians& bad :
         {WithCustodians{{}, 1}, {{"a"}, 0}, {{"a", "b"}, 3}, {{"a", "a"}, 2}, {{"a/b"}, 1}})
      CHECK_FALSE(vault.create(bad, handing_to(given)));
    CHECK_FALSE(fs::exists(vault.directory()));
  }

  TEST_CASE("a failure while the shares are handed out leaves no root; the next attempt clears up")
  {
    const sys::TestDirectory scratch;
    const Vault vault{scratch.path / "kms"};
    const fs::path to = scratch.path / "shares";
    std::optional<ClusterId> first;
    Birth one = birth();
    one.abandon = [&](const ClusterId& left, const Circle& circle) {
      return remove_share_files(to, left, circle);
    };
    one.before_commit = [&](const Newborn& newborn) -> Status {
      CHECK_FALSE(newborn.after_interruption);
      first = newborn.open.cluster;
      TRY(write_share_files(to, newborn.shares, {}, {}));
      return fail(Errc::io, "the stick was pulled out");
    };
    CHECK(code_of(vault.create(two_of_three(), one)) == Errc::io);
    CHECK_FALSE(vault.exists());
    CHECK(names_in(to).size() == 3);
    // Somebody else's share stays.
    const auto others = testing::shares(1, 1);
    REQUIRE(write_share_files(to, others, {}, {}));

    one.before_commit = [&](const Newborn& newborn) -> Status {
      CHECK(newborn.after_interruption);
      CHECK(newborn.open.cluster != *first);
      return write_share_files(to, newborn.shares, {}, {});
    };
    const auto made = vault.create(two_of_three(), one);
    REQUIRE(made);
    CHECK(names_in(to) == std::set<std::string>{share_file_name(made->open.cluster, "alice"),
                                                share_file_name(made->open.cluster, "bob"),
                                                share_file_name(made->open.cluster, "carol"),
                                                share_file_name(others[0].cluster, "c1")});
    CHECK(mode(to) == 0700);
    CHECK(mode(to / share_file_name(made->open.cluster, "bob")) == 0600);
  }

  TEST_CASE("an abandoned replica's shares go, those of another replica beside them stay")
  {
    const sys::TestDirectory scratch;
    const fs::path to = scratch.path / "shares";
    const auto adopt = [&](const char* name, const Guard& guard, bool hands_out) {
      const Vault vault{scratch.path / name};
      Birth one = birth();
      one.abandon = [&](const ClusterId& left, const Circle& circle) {
        return remove_share_files(to, left, circle);
      };
      one.before_commit = [&](const Newborn& newborn) -> Status {
        TRY(write_share_files(to, newborn.shares, {}, {}));
        if (!hands_out) return fail(Errc::io, "the power is gone");
        return ok();
      };
      return bool{vault.adopt(testing::published_root(), guard, one)};
    };
    REQUIRE(adopt("first", WithCustodians{{"alice", "bob"}, 2}, true));
    const auto kept = names_in(to);
    // The same names: their files are in the way, now and when it is tried again.
    CHECK_FALSE(adopt("second", WithCustodians{{"alice", "bob"}, 2}, true));
    CHECK_FALSE(adopt("second", WithCustodians{{"alice", "bob"}, 2}, true));
    CHECK(names_in(to) == kept);
    CHECK_FALSE(adopt("second", WithCustodians{{"carol", "dave"}, 1}, false));
    CHECK(names_in(to).size() == 4);
    const ClusterId cluster = Vault{scratch.path / "first"}.read_public()->cluster;
    const fs::path half = to / (share_file_name(cluster, "carol") + ".new");
    REQUIRE(sys::write_file_atomic(half, as_bytes("{\"sch"), sys::Privacy::owner_only));
    REQUIRE(adopt("second", words(), true));
    CHECK(names_in(to) == kept);
  }

  TEST_CASE("shares that are sealed to their custodians' keys lie open nowhere")
  {
    const sys::TestDirectory scratch;
    const auto alice = crypto::BoxKey::generate();
    const auto all = testing::shares(3, 2);
    const std::vector<ShareLock> locks = {
        {alice.public_key(), {}, {}}, {{}, passphrase("words"), cheap}, {}};
    REQUIRE(write_share_files(scratch.path, all, locks, {}));
    const auto file = [&](unsigned i) {
      return *sys::read_file(scratch.path / share_file_name(all[i].cluster, all[i].custodian()),
                             max_share_file);
    };
    CHECK(code_of(read_share(file(0))) == Errc::denied);
    CHECK(read_share(file(0), {nullptr, &alice}));
    CHECK(view_share(file(0))->to == alice.public_key());
    const SecretBytes words_of_two = passphrase("words");
    CHECK(read_share(file(1), {&words_of_two, nullptr}));
    CHECK(read_share(file(2)));
    CHECK(code_of(write_share_files(scratch.path, all, {}, {})) == Errc::denied);
  }

  TEST_CASE("how custodians are named")
  {
    CHECK(parse_custodian("bob")->name == "bob");
    CHECK_FALSE(parse_custodian("bob")->key);
    const auto with_key = parse_custodian("bob=" + std::string(64, 'a'));
    CHECK(with_key->name == "bob");
    CHECK(hex(*with_key->key) == std::string(64, 'a'));
    for (const char* bad : {"", "=", "bob=", "bob=aa", "a b", "bob=bob"})
      CHECK_MESSAGE(!parse_custodian(bad), bad);
  }

  TEST_CASE("the steps have names of their own, and more than twenty")
  {
    const sys::TestDirectory scratch;
    std::vector<std::string> reached;
    const auto note = [&](std::string_view point) { reached.emplace_back(point); };
    const Vault vault{scratch.path / "kms", note};
    Birth one = birth();
    one.attest = [](const PublicRoot&) -> Result<Bytes> { return Bytes{1}; };
    one.before_commit = [&](const Newborn& newborn) {
      return write_share_files(scratch.path / "shares", newborn.shares, {}, note);
    };
    REQUIRE(vault.create(two_of_three(), one));
    CHECK(reached.size() >= 30);
    CHECK(std::set<std::string>(reached.begin(), reached.end()).size() == reached.size());
  }
}

} // namespace dstack::vault
