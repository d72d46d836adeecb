#include "store/disk_files.hpp"
#include "store/host_facts.hpp"

#include "base/text.hpp"
#include "sys/spawn.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dstack::store {

namespace fs = std::filesystem;

namespace {


/// Output of a tool, or nothing when it is not installed.
std::optional<std::string> tool(std::vector<std::string> argv)
{
  const auto program = sys::find_program(argv[0]);
  if (!program) return std::nullopt;
  argv[0] = program->string();
  const std::string name = argv[0];
  const auto output =
      sys::run({.argv = std::move(argv)}, {}, {.max_output = std::size_t{8} << 20U});
  REQUIRE(output);
  INFO(name << ": " << output->out << output->err);
  CHECK(output->state.success());
  return output->out;
}

std::uint64_t allocated_bytes(const fs::path& path)
{
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return static_cast<std::uint64_t>(info.st_blocks) * 512;
}

} // namespace

TEST_SUITE("store::write_disk")
{
  TEST_CASE("dosfstools and mtools read the share disk back")
  {
    const sys::TestDirectory temp;
    const fs::path path = temp.path / "share.img";
    const std::string compose(std::size_t{3} << 20U, 'c');
    const std::vector<vm::ShareFile> files{{"app-compose.json", to_bytes(compose)},
                                           {".sys-config.json", to_bytes("{\"a\":1}")},
                                           {".instance_info", to_bytes("{}")},
                                           {".encrypted-env", Bytes(513, 7)},
                                           {".user-config", {}}};
    REQUIRE(write_disk(path, *vm::share_disk(files)));
    CHECK(allocated_bytes(path) < (std::uint64_t{5} << 20U));
    tool({"fsck.vfat", "-n", path.string()});
    const auto listed = tool({"mdir", "-i", path.string(), "-a", "-b", "::"});
    if (listed)
      CHECK(*listed == "::/.encrypted-env\n::/.instance_info\n::/.sys-config.json\n"
                       "::/.user-config\n::/app-compose.json\n");
    const auto label = tool({"mlabel", "-s", "-i", path.string(), "::"});
    if (label) CHECK(label->find("DSTACKSHR") != std::string::npos);
    for (const auto& file : files) {
      const auto content = tool({"mtype", "-i", path.string(), "::/" + file.name});
      if (content) CHECK(*content == to_text(file.content));
    }
  }

  TEST_CASE("the data disk is sparse, grows, and never shrinks")
  {
    const sys::TestDirectory temp;
    const fs::path path = temp.path / "data.img";
    REQUIRE(ensure_data_disk(path, std::uint64_t{20} << 30U));
    CHECK(*sys::file_size(path) == std::uint64_t{20} << 30U);
    CHECK(allocated_bytes(path) < 65536);
    REQUIRE(ensure_data_disk(path, std::uint64_t{30} << 30U));
    CHECK(*sys::file_size(path) == std::uint64_t{30} << 30U);
    CHECK(ensure_data_disk(path, std::uint64_t{20} << 30U).error().code() == Errc::config);
  }

  TEST_CASE("too little space is told before anything is written")
  {
    const sys::TestDirectory temp;
    const Status status = need_free_space(temp.path, ~std::uint64_t{0});
    REQUIRE(!status);
    CHECK(status.error().code() == Errc::io);
    CHECK(status.error().message().starts_with("disk full: "));
  }
}

TEST_SUITE("store::host_facts")
{
  TEST_CASE("the version is read from what distributions print")
  {
    CHECK(*parse_qemu_version(
              "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nx") == "7.2.22");
    CHECK(*parse_qemu_version("QEMU emulator version 8.2.2+ds-0ubuntu1.4+tdx1.0") == "8.2.2");
    CHECK(*parse_qemu_version("qemu 9.0.0-rc1 custom") == "9.0.0-rc1");
    CHECK(!parse_qemu_version("no figures here"));
    CHECK(!parse_qemu_version(""));
  }

  TEST_CASE("versions compare by number")
  {
    const QemuProgram qemu{"/q", "10.1.0"};
    CHECK(qemu.at_least(10, 1));
    CHECK(qemu.at_least(9, 9));
    CHECK(!qemu.at_least(10, 2));
    CHECK(!qemu.at_least(11, 0));
  }

  TEST_CASE("every fact says why")
  {
    const HostFacts facts = detect_host();
    CHECK(!facts.kvm.why.empty());
    CHECK(!facts.tdx.why.empty());
    CHECK(!facts.vsock.why.empty());
    CHECK((facts.kvm.usable || !facts.tdx.usable));
  }
}

} // namespace dstack::store
