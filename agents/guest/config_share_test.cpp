#include "guest/config_share.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dstack::guest {

namespace {

/// A share as the host would hand it over, and a place for the copies.
class Share {
public:
  Share() : top_(*sys::make_temp_directory(sys::fs::temp_directory_path(), "share-test"))
  {
    sys::fs::create_directory(top_ / "share");
    put("app-compose.json", "{}");
    put(".sys-config.json", "{\"vm_config\":\"{}\"}");
  }
  ~Share() { static_cast<void>(sys::remove_tree(top_)); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  sys::fs::path path(const char* name) const { return top_ / "share" / name; }
  void put(const char* name, std::string_view text) const
  {
    REQUIRE(sys::write_file_atomic(path(name), as_bytes(text), sys::Privacy::shared));
  }
  void grow(const char* name, std::uint64_t size) const
  {
    put(name, "");
    sys::fs::resize_file(path(name), size);
  }
  Result<SharedFiles> take() const { return take_shared_files(top_ / "share", top_ / "copies"); }
  sys::fs::path copies() const { return top_ / "copies"; }
  /// "" or why it is refused.
  std::string why() const
  {
    const auto taken = take();
    return taken ? "" : taken.error().message();
  }

private:
  sys::fs::path top_;
};

} // namespace

TEST_SUITE("guest::config_share")
{
  TEST_CASE("what is there is taken, and copied for nobody else to read")
  {
    const Share share;
    share.put(".user-config", "secret");
    share.put(".encrypted-env", "blob");
    share.put("something-else", "ignored");
    const auto files = share.take();
    REQUIRE(files);
    CHECK(files->app_compose == to_bytes("{}"));
    CHECK(files->user_config == "secret");
    CHECK(files->encrypted_env == to_bytes("blob"));
    CHECK(files->instance_info.empty());
    CHECK_FALSE(sys::fs::exists(share.copies() / "something-else"));
    struct stat info {};
    REQUIRE(::stat((share.copies() / ".user-config").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600);
  }

  TEST_CASE("trap 19: oversized files, links and special files of the host are refused")
  {
    constexpr std::uint64_t mib = 1 << 20;
    for (const auto& [name, limit] : std::initializer_list<std::pair<const char*, std::uint64_t>>{
             {"app-compose.json", 50 * mib},
             {".sys-config.json", 32'768},
             {".instance_info", 10'240},
             {".encrypted-env", 262'144},
             {".user-config", 50 * mib}}) {
      CAPTURE(name);
      {
        const Share share;
        share.grow(name, limit + 1);
        CHECK(share.why().starts_with(std::string{name} + ": "));
      }
      {
        const Share share;
        sys::fs::remove(share.path(name));
        REQUIRE(::symlink("/etc/hostname", share.path(name).c_str()) == 0);
        CHECK(share.why().find("Too many levels of symbolic links") != std::string::npos);
      }
      {
        const Share share;
        sys::fs::remove(share.path(name));
        REQUIRE(::mkfifo(share.path(name).c_str(), 0600) == 0);
        CHECK(share.why() == std::string{name} + " is no regular file");
      }
      {
        const Share share;
        sys::fs::remove(share.path(name));
        sys::fs::create_directory(share.path(name));
        CHECK(share.why() == std::string{name} + " is no regular file");
      }
    }
  }

  TEST_CASE("what must be there is")
  {
    for (const char* name : {"app-compose.json", ".sys-config.json"}) {
      const Share share;
      sys::fs::remove(share.path(name));
      CHECK(share.why().find("No such file") != std::string::npos);
    }
  }
}

} // namespace dstack::guest
