#include "archive/deb.hpp"

#include <doctest/doctest.h>

namespace dstack::archive {

namespace {

struct TarEntry {
  std::string path;
  char type = '0';
  std::string content;
  std::string link;
  unsigned mode = 0644;
};

std::string field(std::string text, std::size_t size)
{
  text.resize(size, '\0');
  return text;
}

/// One ustar entry (POSIX.1-1988 interchange format).
std::string tar_entry(const TarEntry& entry)
{
  constexpr std::size_t checksum_at = 148;
  constexpr std::size_t block = 512;
  std::string header = field(entry.path, 100) + fmt::format("{:07o}", entry.mode) + '\0' +
                       field("0000000", 8) + field("0000000", 8) +
                       fmt::format("{:011o}", entry.content.size()) + '\0' +
                       field("00000000000", 12) + std::string(8, ' ') + entry.type +
                       field(entry.link, 100) + field("ustar", 6) + "00";
  header.resize(block, '\0');
  unsigned sum = 0;
  for (const char c : header)
    sum += static_cast<unsigned char>(c);
  header.replace(checksum_at, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  std::string content = entry.content;
  content.resize((content.size() + block - 1) / block * block, '\0');
  return header + content;
}

std::string tar(const std::vector<TarEntry>& entries)
{
  std::string out;
  for (const TarEntry& entry : entries)
    out += tar_entry(entry);
  return out + std::string(1024, '\0');
}

/// ar(5), common variant.
std::string ar_member(std::string_view name, const std::string& content)
{
  return fmt::format("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{}{}", name, 0, 0, 0, "100644",
                     content.size(), content, content.size() % 2 == 1 ? "\n" : "");
}

std::string deb(const std::vector<TarEntry>& entries)
{
  return "!<arch>\n" + ar_member("debian-binary", "2.0\n") + ar_member("control.tar", tar({})) +
         ar_member("data.tar", tar(entries));
}

struct PackageFile {
  explicit PackageFile(std::string_view bytes)
  {
    directory = *sys::make_temp_directory(sys::fs::temp_directory_path(), "deb");
    REQUIRE(sys::write_file_atomic(path(), as_bytes(bytes), sys::Privacy::owner_only));
  }
  PackageFile(const PackageFile&) = delete;
  PackageFile& operator=(const PackageFile&) = delete;
  ~PackageFile() { sys::fs::remove_all(directory); }
  sys::fs::path path() const { return directory / "a.deb"; }
  sys::fs::path directory;
};

Result<std::vector<DebEntry>> entries_of(std::string_view bytes)
{
  const PackageFile package{bytes};
  std::vector<DebEntry> out;
  TRY(read_deb(package.path(), [&](const DebEntry& entry, DebContent&) -> Status {
    out.push_back(entry);
    return ok();
  }));
  return out;
}

} // namespace

TEST_SUITE("archive::read_deb")
{
  TEST_CASE("files, directories and links come with clean paths and permission bits only")
  {
    const auto entries = entries_of(deb({{"./", '5', "", "", 0755},
                                         {"./usr/", '5', "", "", 0755},
                                         {"./usr/su", '0', "bytes", "", 04755},
                                         {"./usr/link", '2', "", "../etc/x", 0777},
                                         {"./usr/again", '1', "", "./usr/su", 0755}}));
    REQUIRE(entries);
    REQUIRE(entries->size() == 4);
    CHECK(entries->at(0).kind == EntryKind::directory);
    CHECK(entries->at(1).path == "usr/su");
    CHECK(entries->at(1).mode == 0755);
    CHECK(entries->at(1).size == 5);
    CHECK(entries->at(2).kind == EntryKind::symlink);
    CHECK(entries->at(2).target == "../etc/x");
    CHECK(entries->at(3).kind == EntryKind::hardlink);
    CHECK(entries->at(3).target == "usr/su");
  }

  TEST_CASE("content is read whole or refused above the limit")
  {
    const PackageFile package{deb({{"./a", '0', std::string(3000, 'x'), "", 0644}})};
    std::size_t seen = 0;
    REQUIRE(read_deb(package.path(), [&](const DebEntry&, DebContent& content) -> Status {
      seen = TRY(content.read(3000)).size();
      return ok();
    }));
    CHECK(seen == 3000);
    CHECK_FALSE(read_deb(package.path(), [&](const DebEntry&, DebContent& content) -> Status {
      TRY(content.read(2999));
      return ok();
    }));
  }

  TEST_CASE("paths that leave the package and device nodes are refused by name")
  {
    for (const char* path : {"../a", "/etc/passwd", "./a/../../b", "a//b"}) {
      CAPTURE(path);
      CHECK_FALSE(entries_of(deb({{path, '0', "", "", 0644}})));
    }
    CHECK_FALSE(entries_of(deb({{"a", '1', "", "../../etc/passwd", 0644}})));
    CHECK(entries_of(deb({{"dev/null", '3', "", "", 0666}})).error().code() == Errc::unsupported);
  }

  TEST_CASE("what is no package, and a package cut anywhere in its data, is refused")
  {
    CHECK_FALSE(entries_of(""));
    CHECK_FALSE(entries_of("!<arch>\n"));
    CHECK_FALSE(entries_of("!<arch>\n" + ar_member("debian-binary", "2.0\n")));
    const std::string good = deb({{"a", '0', std::string(2000, 'x'), "", 0644}});
    for (std::size_t size = good.size() - 2500; size < good.size() - 1100; size += 100) {
      CAPTURE(size);
      const PackageFile package{std::string_view{good}.substr(0, size)};
      const auto read = [](const DebEntry&, DebContent& content) -> Status {
        TRY(content.read(1U << 20U));
        return ok();
      };
      CHECK_FALSE(read_deb(package.path(), read));
    }
  }
}

TEST_SUITE("archive::decompress")
{
  TEST_CASE("xz is undone up to the limit, other bytes are refused")
  {
    // `printf hello | xz -c`
    const Bytes packed =
        *parse_hex("fd377a585a000004e6d6b4460200210116000000742fe5a301000468656c6c6f"
                   "00000000b137b9dbe5da1e9b00011d05b82d80af1fb6f37d01000000000459"
                   "5a");
    CHECK(to_text(*decompress(packed, 5)) == "hello");
    CHECK_FALSE(decompress(packed, 4));
    CHECK_FALSE(decompress({}, 5));
    CHECK_FALSE(decompress(ByteView{packed}.first(40), 5));
  }
}

} // namespace dstack::archive
