#include "sys/secret_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dstack::sys {

TEST_SUITE("sys::secret_files")
{
  TEST_CASE("a passphrase is the text of a file that nobody else can read")
  {
    const fs::path directory = *make_temp_directory(fs::temp_directory_path(), "secret-files");
    const fs::path file = directory / "words";
    REQUIRE(write_file_atomic(file, as_bytes(" two words \r\n\n"), Privacy::owner_only));
    CHECK(as_text(read_passphrase(file)->view()) == " two words ");
    for (const unsigned mode : {0640U, 0604U, 0620U}) {
      REQUIRE(::chmod(file.c_str(), mode) == 0);
      const auto refused = read_passphrase(file);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::config);
      CHECK(refused.error().message().find("chmod 600") != std::string::npos);
    }
    REQUIRE(write_file_atomic(file, as_bytes("\n"), Privacy::owner_only));
    CHECK(read_passphrase(file).error().code() == Errc::config);
    CHECK(read_passphrase(directory / "none").error().code() == Errc::not_found);
    const Bytes long_text(max_passphrase + 1, 'x');
    REQUIRE(write_file_atomic(file, long_text, Privacy::owner_only));
    CHECK(read_passphrase(file).error().code() == Errc::malformed);
    static_cast<void>(remove_tree(directory));
  }

  TEST_CASE("a passphrase through a pipe")
  {
    Pipe pipe = *make_pipe();
    REQUIRE(write_all(pipe.write.get(), as_bytes("words\n")));
    pipe.write.reset();
    CHECK(as_text(read_passphrase(pipe.read.get(), "stdin")->view()) == "words");
  }
}

} // namespace dstack::sys
