#include "database/database.hpp"

#include "sys/test_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dstack::database {

namespace {

namespace fs = std::filesystem;

struct Folder : sys::TestDirectory {
  fs::path file() const { return path / "state.db"; }
};

Schema schema()
{
  return {4711, {"CREATE TABLE thing(id TEXT PRIMARY KEY, data BLOB, number INTEGER)"}};
}

std::int64_t count(Database& db)
{
  return *integer_at((*db.rows("SELECT count(*) FROM thing"))[0], 0);
}

Error refusal(const fs::path& file, const Schema& as)
{
  const auto opened = Database::open(file, as);
  REQUIRE_FALSE(opened);
  return opened.error();
}

mode_t rights(const fs::path& file)
{
  struct stat facts {};
  REQUIRE(::stat(file.c_str(), &facts) == 0);
  return facts.st_mode & 0777U;
}

} // namespace

TEST_SUITE("database")
{
  TEST_CASE("values come back as they were written, after opening again, too")
  {
    const Folder folder;
    const Row row{std::string{"a'b"}, Bytes{0, 1, 255}, std::int64_t{-5}};
    {
      const auto db = Database::open(folder.file(), schema());
      REQUIRE_MESSAGE(db, db.error().message());
      REQUIRE((*db)->run("INSERT INTO thing VALUES(?,?,?)", row));
      REQUIRE((*db)->run("INSERT INTO thing VALUES(?,?,?)", {std::string{"n"}, Bytes{}, {}}));
    }
    const auto db = Database::open(folder.file(), schema());
    REQUIRE(db);
    const auto found = *(*db)->rows("SELECT * FROM thing ORDER BY id");
    REQUIRE(found.size() == 2);
    CHECK(found[0] == row);
    CHECK(*blob_at(found[1], 1) == Bytes{});
    CHECK(is_null_at(found[1], 2));
    CHECK_FALSE(integer_at(found[1], 2));
    CHECK_FALSE(text_at(found[1], 7));
  }

  TEST_CASE("a transaction that fails leaves nothing behind")
  {
    const Folder folder;
    const auto db = *Database::open(folder.file(), schema());
    const auto insert = [&](const char* id) {
      return db->run("INSERT INTO thing VALUES(?,NULL,NULL)", {std::string{id}});
    };
    const Status failed = db->transaction([&]() -> Status {
      TRY(insert("a"));
      return fail(Errc::denied, "no");
    });
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message() == "no");
    CHECK(count(*db) == 0);
    CHECK_FALSE(db->transaction([&]() -> Status {
      TRY(insert("a"));
      return insert("a");
    }));
    CHECK(count(*db) == 0);
    CHECK(db->transaction([&] { return insert("a"); }));
    CHECK(count(*db) == 1);
  }

  TEST_CASE("only the owner can read the files")
  {
    const Folder folder;
    const auto db = *Database::open(folder.file(), schema());
    REQUIRE(db->run("INSERT INTO thing VALUES('a',NULL,NULL)"));
    for (const auto& entry : fs::directory_iterator(folder.path))
      CHECK_MESSAGE(rights(entry.path()) == 0600, entry.path().string());
  }

  TEST_CASE("a newer version of the tables is made once, and an older program refuses it")
  {
    const Folder folder;
    REQUIRE(
        (*Database::open(folder.file(), schema()))->run("INSERT INTO thing VALUES('a',NULL,1)"));
    Schema next = schema();
    next.steps.emplace_back("ALTER TABLE thing ADD COLUMN more TEXT; UPDATE thing SET more='m'");
    for (int i = 0; i < 2; ++i) {
      const auto db = Database::open(folder.file(), next);
      REQUIRE_MESSAGE(db, db.error().message());
      CHECK(*text_at((*(*db)->rows("SELECT more FROM thing"))[0], 0) == "m");
    }
    CHECK(refusal(folder.file(), schema()).code() == Errc::unsupported);
    Schema other = next;
    other.application = 12;
    CHECK(refusal(folder.file(), other).message().find("another program") != std::string::npos);
  }

  TEST_CASE("a damaged file is said to be damaged")
  {
    const Folder folder;
    REQUIRE(sys::write_file_atomic(folder.file(), as_bytes(std::string(8192, 'x')),
                                   sys::Privacy::owner_only));
    const Error no_database = refusal(folder.file(), schema());
    CHECK(no_database.code() == Errc::malformed);
    CHECK(no_database.message().find("state.db is damaged") != std::string::npos);
    REQUIRE(sys::remove_tree(folder.file()));
    {
      const auto db = *Database::open(folder.file(), schema());
      REQUIRE(db->run("INSERT INTO thing VALUES('a',NULL,1)"));
    }
    Bytes file = *sys::read_file(folder.file(), 1 << 20);
    for (std::size_t i = 4096; i < file.size(); ++i)
      file[i] = 0xa5;
    REQUIRE(sys::write_file_atomic(folder.file(), file, sys::Privacy::owner_only));
    CHECK(refusal(folder.file(), schema()).code() == Errc::malformed);
  }

  TEST_CASE("a full disk fails the write, and what was written before stays")
  {
    const Folder folder;
    const auto db = *Database::open(folder.file(), schema());
    REQUIRE(db->run("INSERT INTO thing VALUES('a',NULL,1)"));
    REQUIRE(db->run("PRAGMA max_page_count=4")); // what SQLite reports as SQLITE_FULL
    const Status full =
        db->run("INSERT INTO thing VALUES('b',?,1)", {Bytes(std::size_t{1} << 16U, 7)});
    REQUIRE_FALSE(full);
    CHECK(full.error().code() == Errc::io);
    CHECK(full.error().message().find("the disk is full") != std::string::npos);
    CHECK(count(*db) == 1);
    CHECK(db->run("INSERT INTO thing VALUES('c',NULL,1)"));
  }
}

} // namespace dstack::database
