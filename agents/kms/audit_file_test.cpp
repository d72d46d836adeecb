#include "agents/kms/audit_file.hpp"

#include "sys/test_directory.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

namespace dstack::kmsnode {

namespace {

constexpr Time now{1'767'225'600'000};

struct AuditScratch : sys::TestDirectory {
  sys::fs::path file = path / "audit.jsonl";

  std::string text() const { return *sys::read_text(file, 1U << 20U); }
  void append(std::string_view more) const
  {
    const sys::Fd fd{::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(sys::write_all(fd.get(), as_bytes(more)));
  }
};

kms::AuditRecord refused(std::string event)
{
  kms::AuditRecord out;
  out.event = std::move(event);
  out.allowed = false;
  out.reason = "invalid quote";
  return out;
}

kms::AuditRecord granted()
{
  kms::AuditRecord out;
  out.event = "GetAppKey";
  out.allowed = true;
  return out;
}

} // namespace

TEST_SUITE("kmsnode::audit_file")
{
  TEST_CASE("the chain goes on where it stood, over any number of starts")
  {
    const AuditScratch scratch;
    for (int i = 0; i < 3; ++i) {
      const auto file = AuditFile::open(scratch.file);
      REQUIRE(file);
      REQUIRE((*file)->append(granted(), now));
      REQUIRE((*file)->append(granted(), now));
    }
    const auto summary = kms::verify_audit(scratch.text());
    REQUIRE(summary);
    CHECK(summary->head.lines == 6);
    CHECK(summary->torn == 0);
  }

  TEST_CASE("a line that a crash cut short is removed, a whole one without its end is kept")
  {
    const AuditScratch scratch;
    REQUIRE((*AuditFile::open(scratch.file))->append(granted(), now));
    const std::string one = scratch.text();
    scratch.append(one.substr(0, one.size() / 2));
    {
      const auto file = AuditFile::open(scratch.file);
      REQUIRE(file);
      CHECK(scratch.text() == one);
      REQUIRE((*file)->append(granted(), now));
    }
    std::string two = scratch.text();
    two.pop_back();
    REQUIRE(sys::write_file_atomic(scratch.file, as_bytes(two), sys::Privacy::owner_only));
    REQUIRE((*AuditFile::open(scratch.file))->append(granted(), now));
    CHECK(kms::verify_audit(scratch.text())->head.lines == 3);
  }

  TEST_CASE("a log whose end is no record is not written behind")
  {
    const AuditScratch scratch;
    scratch.append("this is no audit log\n");
    CHECK_FALSE(AuditFile::open(scratch.file));
    CHECK(scratch.text() == "this is no audit log\n");
  }

  TEST_CASE("one process writes a log")
  {
    const AuditScratch scratch;
    const auto file = AuditFile::open(scratch.file);
    REQUIRE(file);
    CHECK_FALSE(AuditFile::open(scratch.file));
  }

  TEST_CASE("who proves nothing can fill the log only so fast; what is granted always is in it")
  {
    const AuditScratch scratch;
    const auto file = AuditFile::open(scratch.file, {3});
    REQUIRE(file);
    for (int i = 0; i < 10; ++i)
      REQUIRE((*file)->append(refused("GetAppKey"), now));
    CHECK((*file)->head().lines == 3);
    CHECK((*file)->left_out() == 7);
    kms::AuditRecord known = refused("GetAppKey");
    known.caller.emplace();
    REQUIRE((*file)->append(known, now));
    REQUIRE((*file)->append(granted(), now));
    CHECK((*file)->head().lines == 5);
    REQUIRE((*file)->append(refused("GetKmsKey"), Time{now.ms + 60'000}));
    CHECK((*file)->head().lines == 7);
    CHECK(scratch.text().find("7 refusals of callers that proved nothing") != std::string::npos);
    CHECK(kms::verify_audit(scratch.text()));
  }
}

} // namespace dstack::kmsnode
