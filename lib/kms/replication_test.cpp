#include "kms/replication.hpp"

#include "crypto/hash.hpp"
#include "crypto/keccak.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::kms;

namespace {

constexpr Time replication_start{1'767'225'600'000};

Secret<32> signing_key(std::string_view name)
{
  return Secret<32>{crypto::sha256(as_bytes(name))};
}

crypto::K256Public root()
{
  return *crypto::k256_public(signing_key("spec/kms test root-k256"));
}

ReplicationEntry entry(ReplicationEvent event)
{
  ReplicationEntry out;
  out.event = event;
  out.node = "node-1";
  out.about = "kms2.example:8000";
  if (event != ReplicationEvent::joined) return out;
  out.spki.fill(0x11);
  BootInfo who;
  who.tee_variant = "dstack-tdx";
  who.mr_aggregated = Bytes(32, 0xe1);
  who.app_id = Bytes(20, 0xa1);
  who.compose_hash = Bytes(32, 0xc1);
  out.who = who;
  return out;
}

std::vector<std::string> log(std::string_view signer = "spec/kms test root-k256")
{
  std::vector<std::string> out;
  ReplicationHead head;
  for (const ReplicationEvent event : {ReplicationEvent::opened, ReplicationEvent::joined,
                                       ReplicationEvent::joined, ReplicationEvent::rotated}) {
    const auto line = replication_line(head, entry(event), replication_start, signing_key(signer));
    REQUIRE(line);
    out.push_back(line->text);
    head = line->head;
  }
  return out;
}

std::string replication_file(const std::vector<std::string>& lines)
{
  std::string out;
  for (const std::string& line : lines)
    out += line + "\n";
  return out;
}

std::string replication_verdict(const std::vector<std::string>& lines)
{
  const auto out = verify_replication(replication_file(lines), root());
  return out ? "good" : out.error().message();
}

} // namespace

TEST_SUITE("kms::replication")
{
  TEST_CASE("a log verifies against the root's public key and says who joined")
  {
    const auto summary = verify_replication(replication_file(log()), root());
    REQUIRE(summary);
    CHECK(summary->head.entries == 4);
    CHECK(summary->head.node == "node-1");
    REQUIRE(summary->entries.size() == 4);
    CHECK(summary->entries[1].event == ReplicationEvent::joined);
    CHECK(summary->entries[1].who->app_id == Bytes(20, 0xa1));
    CHECK(summary->entries[1].spki[0] == 0x11);
    CHECK_FALSE(summary->entries[3].who);
    CHECK(summary->times[3] == replication_start.seconds());
  }

  TEST_CASE("the signature is over the domain and the line's own bytes")
  {
    const std::string line = log()[0];
    const auto parts = unsealed(line, "signature", 65);
    REQUIRE(parts);
    const auto digest =
        crypto::keccak256(concat({as_bytes("dstack-kms-replication-v1:"), as_bytes(parts->body)}));
    CHECK(*crypto::k256_recover(digest, parts->seal) == root());
  }

  TEST_CASE("another root's log is refused, and so is every changed byte")
  {
    CHECK(replication_verdict(log("another root")) ==
          "line 1: not signed by the root key, or changed since");
    const auto good = log();
    for (std::size_t i = 0; i < good[1].size(); i += 11) {
      CAPTURE(i);
      auto lines = good;
      lines[1][i] = static_cast<char>(lines[1][i] ^ 1);
      CHECK(replication_verdict(lines).starts_with("line 2: "));
    }
  }

  TEST_CASE("entries that are missing, moved or of another log are refused")
  {
    auto lines = log();
    lines.erase(lines.begin() + 1);
    CHECK(replication_verdict(lines) ==
          "line 2: entry 3 follows entry 1: one is missing, or moved");
    lines = log();
    std::swap(lines[1], lines[2]);
    CHECK(replication_verdict(lines).starts_with("line 2: entry 3 follows"));
    // The same root signs the log of each of its nodes: they must not be mixed.
    ReplicationEntry other = entry(ReplicationEvent::opened);
    other.node = "node-2";
    const auto foreign =
        *replication_line({}, other, replication_start, signing_key("spec/kms test root-k256"));
    lines = log();
    lines[0] = foreign.text;
    CHECK(replication_verdict(lines) == "line 2: entry 2 does not continue the one before it");
    ReplicationHead head = foreign.head;
    CHECK_FALSE(replication_line(head, entry(ReplicationEvent::joined), replication_start,
                                 signing_key("spec/kms test root-k256")));
  }

  TEST_CASE("a signed last line that is no entry counts nowhere, not in the head either")
  {
    const auto good = log();
    for (const auto& change : {std::pair{"\"rotated\"", "\"risen\""}, {"2026-", "year-"}}) {
      CAPTURE(change.second);
      std::string body = unsealed(good[3], "signature", 65)->body;
      body.replace(body.find(change.first), std::string_view{change.first}.size(), change.second);
      const auto signature = crypto::k256_sign_recoverable(signing_key("spec/kms test root-k256"),
                                                           replication_digest(body));
      const auto summary = verify_replication(replication_file({good[0], good[1], good[2]}) +
                                                  sealed(body, "signature", *signature),
                                              root());
      REQUIRE(summary);
      CHECK(summary->torn > 0);
      CHECK(summary->head.entries == 3);
      CHECK(summary->head.hash == crypto::sha256(as_bytes(good[2])));
      CHECK(summary->entries.size() == 3);
      CHECK(summary->times.size() == 3);
    }
  }

  TEST_CASE("a torn last entry is no part of the log; another file is malformed")
  {
    const std::string text = replication_file(log());
    const auto summary = verify_replication(text.substr(0, text.size() - 9), root());
    REQUIRE(summary);
    CHECK(summary->head.entries == 3);
    CHECK(summary->torn > 0);
    CHECK(summary->entries.size() == 3);
    CHECK(verify_replication("hello\n", root()).error().code() == Errc::malformed);
    CHECK(verify_replication("", root())->head.entries == 0);
  }
}
