#include "osbuild/build_steps.hpp"
#include "osbuild/osbuild.hpp"
#include "osbuild/package_cache.hpp"

#include "crypto/hash.hpp"

#include <doctest/doctest.h>

namespace dstack::osbuild {

namespace {

class Silent : public Progress {
public:
  void step(std::string_view what) override { steps.emplace_back(what); }
  void downloaded(std::uint64_t, std::uint64_t) override {}
  std::vector<std::string> steps;
};

struct TempDirectory {
  fs::path path = *sys::make_temp_directory(fs::temp_directory_path(), "osbuild");
  TempDirectory() = default;
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() { fs::remove_all(path); }
};

/// One package of an archive where nobody answers.
image::PackageLock unreachable(ByteView content)
{
  image::PackageLock lock;
  lock.epoch = 1;
  lock.archives["debian"] = "http://127.0.0.1:1/debian";
  image::LockedPackage package;
  package.roles = {"rootfs"};
  package.name = "sample";
  package.version = "1";
  package.archive = "debian";
  package.path = "pool/sample_1.deb";
  package.size_bytes = content.size();
  package.sha256 = crypto::sha256(content);
  lock.packages.push_back(package);
  return lock;
}

} // namespace

TEST_SUITE("osbuild::fetch_packages")
{
  TEST_CASE("an intact package in the cache is not fetched again, a damaged one is")
  {
    const TempDirectory cache;
    Silent progress;
    const auto lock = unreachable(as_bytes("content"));
    const auto fetch = [&] { return fetch_packages(lock.packages, lock, cache.path, 1, progress); };
    REQUIRE(write_file(cache.path / "sample_1.deb", as_bytes("content"), 0644));
    CHECK(fetch());
    fs::remove(cache.path / "sample_1.deb");
    REQUIRE(write_file(cache.path / "sample_1.deb", as_bytes("CONTENT"), 0644));
    const auto failed = fetch();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message().find("127.0.0.1") != std::string::npos);
  }
}

TEST_SUITE("osbuild::build")
{
  TEST_CASE("nothing is left behind by a build that cannot start")
  {
    const TempDirectory top;
    Options options;
    options.recipe = DSTACK_SOURCE_DIR "/os";
    options.guest_program = top.path / "missing";
    options.init_program = top.path / "missing";
    options.images = top.path / "images";
    options.packages = top.path / "packages";
    Silent progress;
    CHECK(build(options, progress).error().code() == Errc::not_found);
    options.name = "../outside";
    CHECK(build(options, progress).error().code() == Errc::malformed);
    options.name = "taken";
    REQUIRE(write_file(top.path / "missing", as_bytes("program"), 0755));
    fs::create_directories(options.images / "taken");
    CHECK(build(options, progress).error().code() == Errc::usage);
    CHECK(progress.steps.empty());
    CHECK_FALSE(fs::exists(options.packages));
  }
}

TEST_SUITE("osbuild::unpack helpers")
{
  TEST_CASE("modes are exact whatever the umask, and parents are made")
  {
    const TempDirectory top;
    REQUIRE(make_directory(top.path, "a/b", 01777));
    REQUIRE(write_file(top.path / "a/b/c", as_bytes("x"), 0604));
    const auto mode = [&](const char* path) {
      return static_cast<unsigned>(fs::status(top.path / path).permissions());
    };
    CHECK(mode("a") == 0755);
    CHECK(mode("a/b") == 01777);
    CHECK(mode("a/b/c") == 0604);
    CHECK_FALSE(write_file(top.path / "a/b/c", as_bytes("again"), 0644));
    CHECK_FALSE(make_directory(top.path, "a/b/c/d", 0755));
  }

  TEST_CASE("links are made last, copies before them")
  {
    const TempDirectory top;
    REQUIRE(write_file(top.path / "one", as_bytes("x"), 0644));
    Unpacked unpacked;
    unpacked.copies["deep/two"] = "one";
    unpacked.symlinks["deep/three"] = "two";
    REQUIRE(finish_links(unpacked, top.path));
    CHECK(*sys::read_text(top.path / "deep/three", 10) == "x");
    CHECK_FALSE(finish_links(unpacked, top.path));
  }

  TEST_CASE("the initramfs lists its modules in load order")
  {
    const TempDirectory top;
    REQUIRE(write_file(top.path / "init", as_bytes("program"), 0755));
    const std::vector<ModuleFile> modules = {{"dm_mod", to_bytes("1")},
                                             {"dm_verity", to_bytes("2")}};
    const auto archive = make_initramfs(modules, top.path / "init", 7);
    REQUIRE(archive);
    CHECK(as_text(*archive).find("dm_mod.ko\ndm_verity.ko\n") != std::string_view::npos);
    CHECK_FALSE(make_initramfs(modules, top.path / "none", 7));
  }
}

} // namespace dstack::osbuild
