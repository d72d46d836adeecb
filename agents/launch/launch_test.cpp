#include "agents/launch/launch.hpp"
#include "agents/launch/log.hpp"
#include "agents/launch/log_files.hpp"

#include "base/text.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

namespace dstack::launch {

namespace fs = std::filesystem;

namespace {

/// What read_config makes of a text written to its descriptor.
Result<codec::Json> config_of(std::string_view text)
{
  sys::Pipe pipe = *sys::make_pipe();
  REQUIRE(sys::write_all(pipe.write.get(), as_bytes(text)));
  pipe.write.reset();
  return read_config(pipe.read.release());
}

void append(const fs::path& path, std::string_view text)
{
  const auto fd = sys::open_append(path, sys::Privacy::owner_only);
  REQUIRE(fd);
  REQUIRE(sys::write_all(fd->get(), as_bytes(text)));
}

std::string content(const fs::path& path)
{
  const auto text = sys::read_text(path, 1000);
  return text ? *text : "absent";
}

} // namespace

TEST_SUITE("launch")
{
  TEST_CASE("the configuration is an object, or absent")
  {
    CHECK(*(*config_of("{\"a\":1}")).need_u64("a") == 1);
    CHECK(config_of("")->is_object());
    CHECK(config_of(" \n")->is_object());
    CHECK(config_of("[1]").error().code() == Errc::config);
    CHECK(config_of("{").error().code() == Errc::malformed);
    CHECK(read_config(999)->is_object());
  }

  TEST_CASE("readiness is told once, in one line")
  {
    sys::Pipe pipe = *sys::make_pipe();
    Readiness readiness{pipe.write.release()};
    readiness.failed(fail(Errc::io, "no\nluck"));
    readiness.ready();
    CHECK(readiness.told());
    const std::string told = to_text(*sys::read_to_end(pipe.read.get(), 1000));
    CHECK(split(told, '\n').size() == 2);
    CHECK(told.starts_with("no"));
  }

  TEST_CASE("log lines are JSON, whatever the message")
  {
    const sys::TestDirectory temp;
    auto log = Log::to_file(temp.path / "x.log");
    REQUIRE(log);
    log->warning("vm", "odd \x1b[31m bytes \xff", {{"pid", 7}});
    const auto line = codec::parse_json(trim(content(temp.path / "x.log")));
    REQUIRE(line);
    CHECK(*line->need_string("level") == "warning");
    CHECK(*line->need_u64("pid") == 7);
    CHECK(line->need_string("msg")->find('\x1b') == std::string::npos);
  }

  TEST_CASE("rotation keeps the stated number of backups")
  {
    const sys::TestDirectory temp;
    const fs::path log = temp.path / "console.log";
    const LogLimits limits{10, 2};
    REQUIRE(rotate(log, limits)); // nothing there
    for (const char* text : {"one", "two", "three", "four"}) {
      REQUIRE(rotate(log, limits));
      append(log, text);
    }
    CHECK(content(log) == "four");
    CHECK(content(temp.path / "console.log.1") == "three");
    CHECK(content(temp.path / "console.log.2") == "two");
    CHECK(!fs::exists(temp.path / "console.log.3"));
    REQUIRE(rotate(log, limits));
    CHECK(!fs::exists(log));
  }

  TEST_CASE("a log is cut under its writer")
  {
    const sys::TestDirectory temp;
    const fs::path log = temp.path / "console.log";
    const auto writer = sys::open_append(log, sys::Privacy::owner_only);
    REQUIRE(writer);
    REQUIRE(sys::write_all(writer->get(), as_bytes("0123456789")));
    CHECK(!*rotate_in_place(log, {10, 2}));
    REQUIRE(sys::write_all(writer->get(), as_bytes("x")));
    CHECK(*rotate_in_place(log, {10, 2}));
    REQUIRE(sys::write_all(writer->get(), as_bytes("next")));
    CHECK(content(log) == "next");
    CHECK(content(temp.path / "console.log.1") == "0123456789x");
    CHECK(!*rotate_in_place(log, {0, 2}));
    CHECK(tail_of(log, 2) == "xt");
    CHECK(tail_of(temp.path / "absent", 2).empty());
  }
}

} // namespace dstack::launch
