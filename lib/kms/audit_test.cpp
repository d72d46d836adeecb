#include "kms/audit.hpp"

#include <doctest/doctest.h>

using namespace dstack;
using namespace dstack::kms;

namespace {

constexpr Time audit_start{1'767'225'600'000};

BootInfo recorded_caller()
{
  BootInfo out;
  out.tee_variant = "dstack-tdx";
  out.mr_aggregated = Bytes(32, 0xe1);
  out.os_image_hash = Bytes(32, 0xf1);
  out.mr_system = Bytes(32, 0xe2);
  out.app_id = Bytes(20, 0xa1);
  out.compose_hash = Bytes(32, 0xc1);
  out.device_id = Bytes(32, 0xd1);
  out.tcb_status = "UpToDate";
  out.simulated = true;
  out.registers = {{"mrtd", std::string(96, '1')}};
  return out;
}

AuditRecord record(std::string event, bool allowed)
{
  AuditRecord out;
  out.event = std::move(event);
  out.peer = "127.0.0.1:5555";
  out.role = Role::app;
  out.caller = recorded_caller();
  out.allowed = allowed;
  out.reason = allowed ? "" : "compose hash not allowed";
  if (allowed) out.epoch = 2;
  out.details = {{"policy", std::string(64, 'a')}};
  return out;
}

/// Five records, a second apart.
std::vector<std::string> audit_lines()
{
  std::vector<std::string> out;
  AuditHead head;
  for (int i = 0; i < 5; ++i) {
    const AuditLine line =
        audit_line(head, record("GetAppKey", i % 2 == 0), {audit_start.ms + i * 1000});
    out.push_back(line.text);
    head = line.head;
  }
  return out;
}

std::string audit_file(const std::vector<std::string>& lines)
{
  std::string out;
  for (const std::string& line : lines)
    out += line + "\n";
  return out;
}

std::string audit_verdict(const std::vector<std::string>& lines)
{
  const auto out = verify_audit(audit_file(lines));
  return out ? "good" : out.error().message();
}

} // namespace

TEST_SUITE("kms::audit")
{
  TEST_CASE("a chain verifies, and says how much of it there is")
  {
    const auto summary = verify_audit(audit_file(audit_lines()));
    REQUIRE(summary);
    CHECK(summary->head.lines == 5);
    CHECK(summary->allowed == 3);
    CHECK(summary->refused == 2);
    CHECK(summary->first_time == audit_start.seconds());
    CHECK(summary->head.time == audit_start.seconds() + 4);
    CHECK(summary->torn == 0);
    CHECK(summary->whole == audit_file(audit_lines()).size());
    CHECK(verify_audit("")->head.lines == 0);
  }

  TEST_CASE("the hash is SHA-256 of the line without its last member: anybody can compute it")
  {
    AuditRecord one;
    one.event = "start";
    const AuditLine line = audit_line({}, one, audit_start);
    const std::string body = R"({"seq":1,"time":"2026-01-01T00:00:00Z","event":"start","prev":")" +
                             std::string(64, '0') + R"("})";
    CHECK(line.text == body.substr(0, body.size() - 1) + R"(,"hash":")" +
                           hex(crypto::sha256(as_bytes(body))) + R"("})");
    CHECK(*audit_head_of(line.text) == line.head);
  }

  TEST_CASE("a record reads back as it was written")
  {
    const AuditRecord wrote = record("SignCert", true);
    AuditChain log;
    const auto json = log.next(audit_line({}, wrote, audit_start).text);
    REQUIRE(json);
    const AuditRecord read = *audit_record_of(*json);
    CHECK(read.event == wrote.event);
    CHECK(read.peer == wrote.peer);
    CHECK(read.role == wrote.role);
    CHECK(read.caller == wrote.caller);
    CHECK(read.allowed == wrote.allowed);
    CHECK(read.epoch == wrote.epoch);
    CHECK(read.details == wrote.details);
    CHECK(log.head().lines == 1);
  }

  TEST_CASE("every changed byte breaks the chain, and the line is named")
  {
    const auto good = audit_lines();
    for (std::size_t i = 0; i < good[2].size(); i += 7) {
      CAPTURE(i);
      auto lines = good;
      lines[2][i] = static_cast<char>(lines[2][i] ^ 1);
      const std::string said = audit_verdict(lines);
      CHECK(said.starts_with("line 3: "));
      CHECK(verify_audit(audit_file(lines)).error().code() == Errc::untrusted);
    }
  }

  TEST_CASE("a line rewritten with its hash breaks at the next one")
  {
    auto lines = audit_lines();
    AuditChain log;
    REQUIRE(log.next(lines[0]));
    lines[1] = audit_line(log.head(), record("GetAppKey", true), {audit_start.ms + 1000}).text;
    CHECK(audit_verdict(lines) ==
          "line 3: record 3 does not continue the one before it: that was changed");
  }

  TEST_CASE("missing, repeated and moved lines are told apart")
  {
    auto lines = audit_lines();
    lines.erase(lines.begin() + 1);
    CHECK(audit_verdict(lines) == "line 2: record 3 follows record 1: what was between is missing");
    lines = audit_lines();
    lines.erase(lines.begin());
    CHECK(audit_verdict(lines) == "line 1: record 2 follows record 0: what was between is missing");
    lines = audit_lines();
    lines.insert(lines.begin() + 2, lines[1]);
    CHECK(audit_verdict(lines) == "line 3: record 2 follows record 2: it is there twice, or moved");
    lines = audit_lines();
    std::swap(lines[2], lines[3]);
    CHECK(audit_verdict(lines).starts_with("line 3: record 4 follows record 2"));
    lines = audit_lines();
    lines.insert(lines.begin() + 2, "");
    CHECK(audit_verdict(lines) == "line 3: not a record that ends in its hash");
  }

  TEST_CASE("a last line that was cut short is torn, at whatever byte, and no part of the chain")
  {
    const std::string text = audit_file(audit_lines());
    const std::string last = audit_lines().back() + "\n";
    for (std::size_t cut = 1; cut <= last.size(); ++cut) {
      CAPTURE(cut);
      const auto summary = verify_audit(text.substr(0, text.size() - cut));
      REQUIRE(summary);
      const bool whole = cut == 1; // only the line feed is missing
      CHECK(summary->head.lines == (whole ? 5 : 4));
      CHECK(summary->unended == whole);
      CHECK(summary->torn == (whole ? 0 : last.size() - cut));
      CHECK(summary->whole + summary->torn == text.size() - cut);
    }
    // What was torn and then written over by the next line is a broken line, not a torn one.
    CHECK(audit_verdict({audit_lines()[0], audit_lines()[1].substr(0, 50) + audit_lines()[1]})
              .starts_with("line 2: "));
  }

  TEST_CASE("a record with a role or an epoch that nobody writes is not read as another one")
  {
    codec::Json json = codec::Json{}.set("event", "GetAppKey").set("role", "kms");
    CHECK(audit_record_of(json)->role == Role::kms);
    CHECK_FALSE(audit_record_of(json.set("role", "gateway")));
    CHECK_FALSE(audit_record_of(json.set("role", "")));
    json.set("role", "app").set("epoch", std::uint64_t{UINT32_MAX});
    CHECK(audit_record_of(json)->epoch == UINT32_MAX);
    CHECK_FALSE(audit_record_of(json.set("epoch", std::uint64_t{UINT32_MAX} + 1)));
  }

  TEST_CASE("a file that is no audit log is malformed")
  {
    for (const char* text : {"hello\n", "{}\n", "\n", "[1]\n",
                             R"({"seq":1,"hash":"00"})"
                             "\n"}) {
      const auto out = verify_audit(text);
      REQUIRE_FALSE(out);
      CHECK(out.error().code() == Errc::malformed);
    }
    CHECK_FALSE(verify_audit(std::string(max_audit_line + 1, 'x') + "\n"));
    CHECK(verify_audit("hello")->torn == 5);
  }

  TEST_CASE("a log in several files goes on from the head of the one before")
  {
    const auto lines = audit_lines();
    const auto first = verify_audit(audit_file({lines[0], lines[1]}));
    REQUIRE(first);
    const auto second = verify_audit(audit_file({lines[2], lines[3], lines[4]}), first->head);
    REQUIRE(second);
    CHECK(second->head.lines == 5);
    CHECK_FALSE(verify_audit(audit_file({lines[3], lines[4]}), first->head));
  }

  TEST_CASE("time that goes backwards is counted, not hidden")
  {
    const AuditLine first = audit_line({}, record("a", true), audit_start);
    const AuditLine second = audit_line(first.head, record("b", true), {audit_start.ms - 60'000});
    const auto summary = verify_audit(audit_file({first.text, second.text}));
    REQUIRE(summary);
    CHECK(summary->backwards == 1);
  }

  TEST_CASE("no caller can make a line too long, or end it early")
  {
    AuditRecord big = record(std::string(100'000, 'e'), false);
    big.peer = std::string(100'000, '\x1b') + "\n\"}";
    big.reason = "x\",\"hash\":\"" + std::string(64, '0') + "\"}\n" + std::string(100'000, '"');
    big.caller->key_provider_info = Bytes(100'000, 'k');
    big.caller->advisory_ids = std::vector<std::string>(10'000, std::string(1000, '"'));
    big.caller->tcb_status = std::string(100'000, '\xff');
    for (int i = 0; i < 1000; ++i)
      big.details.emplace_back(fmt::format("{}{}", i, std::string(1000, '\\')),
                               std::string(10'000, '\n'));
    const AuditLine line = audit_line({}, big, audit_start);
    CHECK(line.text.size() <= max_audit_line);
    CHECK(line.text.find('\n') == std::string::npos);
    CHECK(verify_audit(line.text + "\n")->head.lines == 1);
  }
}
