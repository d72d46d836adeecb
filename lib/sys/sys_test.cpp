#include "sys/clock.hpp"
#include "sys/test_directory.hpp"
#include "sys/poll.hpp"
#include "sys/sockets.hpp"
#include "sys/spawn.hpp"
#include "sys/threads.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::sys {
namespace {

} // namespace

TEST_SUITE("sys")
{
  TEST_CASE("an atomic write replaces the file, keeps its privacy, and leaves no temporary")
  {
    const TestDirectory dir;
    const fs::path file = dir.path / "state.json";
    REQUIRE(write_file_atomic(file, as_bytes("one"), Privacy::owner_only));
    REQUIRE(write_file_atomic(file, as_bytes("two"), Privacy::owner_only));
    CHECK(*read_text(file, 10) == "two");
    struct stat info {};
    CHECK(::stat(file.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
    CHECK(std::distance(fs::directory_iterator{dir.path}, fs::directory_iterator{}) == 1);
    CHECK(read_text(file, 2).error().code() == Errc::malformed);
    CHECK(read_text(dir.path / "absent", 2).error().code() == Errc::not_found);
    CHECK(!write_file_atomic(dir.path / "no" / "where", as_bytes("x"), Privacy::shared));
  }

  TEST_CASE("a lock names its holder to the one who waits in vain")
  {
    const TestDirectory dir;
    const fs::path file = dir.path / "op.lock";
    {
      const auto first = FileLock::acquire(file, "dstack update", Millis{0});
      REQUIRE(first);
      CHECK(FileLock::is_held(file));
      const auto second = FileLock::acquire(file, "dstack rm", Millis{30});
      REQUIRE(!second);
      CHECK(second.error().code() == Errc::timeout);
      CHECK(second.error().message().find("dstack update") != std::string::npos);
    }
    CHECK(!FileLock::is_held(file));
    CHECK(FileLock::acquire(file, "dstack rm", Millis{0}));
  }

  TEST_CASE("a program gets its input, and its two outputs come back apart")
  {
    const auto out = run({.argv = {"cat"}}, as_bytes("hello"), {});
    REQUIRE(out);
    CHECK(out->out == "hello");
    const auto bad = run_ok({.argv = {"ls", "/does-not-exist"}}, {}, {});
    REQUIRE(!bad);
    CHECK(bad.error().message().find("ls exited with status 2") == 0);
    CHECK(bad.error().message().find("/does-not-exist") != std::string::npos);
  }

  TEST_CASE("a large input and output do not block each other")
  {
    const Bytes big(std::size_t{3} << 20U, 'x');
    const auto out = run({.argv = {"cat"}}, big, {.max_output = std::size_t{2} << 20U});
    REQUIRE(out);
    CHECK(out->out.size() == std::size_t{2} << 20U);
  }

  TEST_CASE("a missing program and a passed deadline are told apart")
  {
    CHECK(run({.argv = {"no-such-program"}}, {}, {}).error().code() == Errc::not_found);
    CHECK(run({.argv = {"/no/such/program"}}, {}, {}).error().code() == Errc::not_found);
    const auto slow = run({.argv = {"sleep", "30"}}, {}, {.deadline = Millis{50}});
    REQUIRE(!slow);
    CHECK(slow.error().code() == Errc::timeout);
  }

  TEST_CASE("descriptors land where the command wants them and nothing else is inherited")
  {
    Pipe data = *make_pipe();
    const Fd leak{::dup(data.read.get())}; // without close-on-exec, on purpose
    REQUIRE(write_all(data.write.get(), as_bytes("from three\n")));
    data.write.reset();
    Pipe out = *make_pipe();
    auto child = spawn({.argv = {"head", "-n1", "/dev/fd/3"},
                        .env = {{"LC_ALL", "C"}},
                        .fds = {{1, out.write.get()}, {3, data.read.get()}}});
    REQUIRE(child);
    out.write.reset();
    CHECK(to_text(*read_to_end(out.read.get(), 100)) == "from three\n");
    CHECK(child->wait(Millis{5000})->success());
  }

  TEST_CASE("a child with its parent's life dies by signal when asked")
  {
    auto child = spawn({.argv = {"sleep", "60"}});
    REQUIRE(child);
    CHECK(child->wait(Millis{10}).error().code() == Errc::timeout);
    CHECK(child->kill(SIGTERM));
    CHECK(child->wait(Millis{5000})->signal == SIGTERM);
  }

  TEST_CASE("unix sockets work below a long path")
  {
    const TestDirectory dir;
    const fs::path deep = dir.path / std::string(100, 'a') / std::string(100, 'b');
    REQUIRE(make_directories(deep, Privacy::owner_only));
    const auto listener = listen_unix(deep / "control.sock", 0600);
    REQUIRE(listener);
    const auto client = connect_unix(deep / "control.sock");
    REQUIRE(client);
    const auto served = accept_one(listener->get());
    REQUIRE(served);
    REQUIRE(write_all(client->get(), as_bytes("hi")));
    CHECK(to_text(*read_some(served->get(), 10)) == "hi");
  }

  TEST_CASE("a taken port is reported with its address")
  {
    const auto first = listen_tcp("127.0.0.1", 0);
    REQUIRE(first);
    const std::uint16_t port = *local_port(first->get());
    const auto second = listen_tcp("127.0.0.1", port);
    REQUIRE(!second);
    CHECK(second.error().message() ==
          fmt::format("listen on 127.0.0.1:{}: Address already in use", port));
    CHECK(connect_tcp("127.0.0.1", port, Millis{1000}));
    CHECK(!listen_tcp("localhost", 0));
  }

  TEST_CASE("the loop runs timers in order and handlers may forget themselves")
  {
    const auto loop = *Loop::create();
    Pipe pipe = *make_pipe();
    std::string order;
    REQUIRE(loop->watch(pipe.read.get(), EPOLLIN, [&](std::uint32_t) {
      order += "r";
      loop->forget(pipe.read.get());
    }));
    REQUIRE(write_all(pipe.write.get(), as_bytes("x")));
    loop->after(Millis{20}, [&] {
      order += "2";
      loop->stop();
    });
    loop->after(Millis{5}, [&] { order += "1"; });
    const auto cancelled = loop->after(Millis{1}, [&] { order += "!"; });
    loop->cancel(cancelled);
    REQUIRE(loop->run());
    CHECK(order == "r12");
  }

  TEST_CASE("parallel tasks all run and the first failure is told")
  {
    std::vector<std::function<Status()>> tasks;
    std::vector<int> done(20);
    for (std::size_t i = 0; i < done.size(); ++i)
      tasks.emplace_back([&done, i]() -> Status {
        done[i] = 1;
        if (i == 7 || i == 12) return fail(Errc::io, "task {}", i);
        return ok();
      });
    const auto result = run_parallel(tasks, 3);
    REQUIRE(!result);
    CHECK(result.error().message() == "task 7");
    CHECK(done == std::vector<int>(20, 1));
  }

  TEST_CASE("XDG variables are honoured and relative ones ignored")
  {
    const auto dirs = directories([](const char* name) -> std::string {
      if (std::string_view{name} == "HOME") return "/home/u";
      if (std::string_view{name} == "XDG_STATE_HOME") return "/var/s";
      if (std::string_view{name} == "XDG_CACHE_HOME") return "relative";
      return "";
    });
    CHECK(dirs.state == "/var/s/dstack");
    CHECK(dirs.cache == "/home/u/.cache/dstack");
    CHECK(dirs.config == "/home/u/.config/dstack");
  }
}

} // namespace dstack::sys
