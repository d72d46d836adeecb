#include "guest/app_environment.hpp"

#include "crypto/random.hpp"
#include "crypto/x25519.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dstack::guest {
namespace {

const Secret<32> secret{{7}};

Bytes sealed(const keys::Environment& env)
{
  return *keys::encrypt_env(env, crypto::x25519_public(secret), crypto::random_bytes);
}

unsigned mode_of(const sys::fs::path& path)
{
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

} // namespace

TEST_SUITE("guest::app_environment")
{
  TEST_CASE("trap U12: values arrive as they were, backslashes, quotes and line ends included")
  {
    const keys::Environment env = {{"BACKSLASH", R"(ends in \)"},
                                   {"LINES", "one\ntwo\n"},
                                   {"QUOTES", R"("it's" $HOME `id`)"},
                                   {"EMPTY", ""},
                                   {"UTF8", "ü"}};
    std::vector<std::string> names;
    for (const auto& [name, value] : env)
      names.push_back(name);
    const auto opened = open_environment(sealed(env), secret, names);
    REQUIRE(opened);
    CHECK(opened->kept == env);
    CHECK(opened->dropped.empty());
  }

  TEST_CASE("only what allowed_envs names is handed on")
  {
    const auto opened = open_environment(sealed({{"A", "1"}, {"LD_PRELOAD", "x"}}), secret, {"A"});
    REQUIRE(opened);
    CHECK(opened->kept == keys::Environment{{"A", "1"}});
    CHECK(opened->dropped == std::vector<std::string>{"LD_PRELOAD"});
    CHECK(open_environment({}, secret, {"A"})->kept.empty()); // the host gave none
  }

  TEST_CASE("trap U12: what cannot be decrypted is an error, not an empty environment")
  {
    const Bytes good = sealed({{"A", "1"}});
    CHECK_FALSE(open_environment(good, Secret<32>{{8}}, {"A"}));
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      bad[i] ^= 1U;
      CAPTURE(i);
      // The top bit of an X25519 key is ignored (RFC 7748); this is another one.
      CHECK_FALSE(open_environment(bad, secret, {"A"}));
      CHECK_FALSE(open_environment(ByteView{good}.first(i == 0 ? 1 : i), secret, {"A"}));
    }
    // trap 15: the all-zero shared secret.
    CHECK_FALSE(open_environment(Bytes(100), secret, {"A"}));
    CHECK(
        open_environment(Bytes(100), secret, {}).error().message().starts_with(".encrypted-env: "));
    CHECK_FALSE(keys::encrypt_env({{"A", std::string{"a\0b", 3}}}, crypto::x25519_public(secret),
                                  crypto::random_bytes));
  }

  TEST_CASE("the files of published guests are written for their owner alone")
  {
    const auto directory = *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-env");
    REQUIRE(write_environment(directory, {{"B", "two words"}, {"A", "1"}}));
    CHECK(*sys::read_text(directory / ".decrypted-env", 100) == "A=1\nB=\"two words\"\n");
    CHECK(*sys::read_text(directory / ".decrypted-env.json", 100) ==
          R"({"A":"1","B":"two words"})");
    for (const char* name : {".decrypted-env", ".decrypted-env.json"})
      CHECK(mode_of(directory / name) == 0600);
    static_cast<void>(sys::remove_tree(directory));
  }
}

} // namespace dstack::guest
