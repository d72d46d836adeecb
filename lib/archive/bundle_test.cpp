#include "archive/bundle.hpp"
#include "codec/gzip.hpp"
#include "crypto/hash.hpp"
#include "sys/test_directory.hpp"

#include <doctest/doctest.h>

namespace dstack::archive {
namespace {


std::map<std::string, BundleEntry> sample()
{
  BundleInfo info{"demo", std::string(40, 'a'), std::string(64, 'b'), {}};
  info.images.push_back({"x:1@sha256:00", "sha256:00", "sha256:01", "sha256:02"});
  const Bytes blob = to_bytes("blob");
  return {{std::string{app_compose_name}, {to_bytes("{}"), {}}},
          {std::string{bundle_info_name}, {to_bytes(codec::write_json(to_json(info))), {}}},
          {"blobs/sha256/" + hex(crypto::sha256(blob)), {blob, {}}}};
}

std::string bundle_outcome(const sys::fs::path& file)
{
  const sys::Fd fd = *sys::open_read(file);
  const auto bundle = BundleReader::open(fd.get());
  if (!bundle) return bundle.error().message();
  const auto info = bundle->info();
  if (!info) return info.error().message();
  const auto blobs = verify_blobs(*bundle);
  return blobs ? "good" : blobs.error().message();
}

std::string damaged(const sys::fs::path& file, std::size_t at, std::string_view with)
{
  Bytes raw = *sys::read_file(file, 1 << 20);
  std::copy(with.begin(), with.end(), raw.begin() + static_cast<std::ptrdiff_t>(at));
  // The header's checksum field counts as blanks: keep it right, so the change itself is judged.
  const std::size_t header = at / 512 * 512;
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i)
    sum += i >= 148 && i < 156 ? static_cast<unsigned>(' ') : raw[header + i];
  const std::string text = fmt::format("{:06o}", sum);
  std::copy(text.begin(), text.end(), raw.begin() + static_cast<std::ptrdiff_t>(header + 148));
  const sys::fs::path other = file.string() + ".bad";
  REQUIRE(sys::write_file_atomic(other, raw, sys::Privacy::shared));
  return bundle_outcome(other);
}

} // namespace

TEST_SUITE("archive::bundle")
{
  TEST_CASE("a layer of an image has directories and modes, and neither owners nor times")
  {
    const sys::TestDirectory dir;
    REQUIRE(write_bundle(dir.path / "layer.tar",
                         {{"bin/", {{}, {}, 0755}}, {"bin/x", {to_bytes("x"), {}, 0755}}}));
    const Bytes raw = *sys::read_file(dir.path / "layer.tar", 1 << 20);
    const std::string_view text = as_text(raw);
    constexpr std::size_t block = 512;
    // POSIX ustar: name, mode at 100, uid, gid, size, mtime at 136, type at 156.
    CHECK(text.substr(0, 5) == std::string_view("bin/\0", 5));
    CHECK(text.substr(100, 6) == "000755");
    CHECK(text[156] == '5');
    CHECK(text.substr(block, 6) == std::string_view("bin/x\0", 6));
    CHECK(text.substr(block + 100, 6) == "000755");
    CHECK(text.substr(block + 108, 6) == "000000");
    CHECK(text.substr(block + 116, 6) == "000000");
    CHECK(text.substr(block + 136, 11) == "00000000000");
    CHECK(text[block + 156] == '0');
  }

  TEST_CASE("a bundle reads back, and the same input gives the same bytes")
  {
    const sys::TestDirectory dir;
    REQUIRE(write_bundle(dir.path / "a.dsb", sample()));
    REQUIRE(write_bundle(dir.path / "b.dsb", sample()));
    const Bytes a = *sys::read_file(dir.path / "a.dsb", 1 << 20);
    CHECK(a == *sys::read_file(dir.path / "b.dsb", 1 << 20));
    CHECK(a.size() % 512 == 0);
    CHECK(bundle_outcome(dir.path / "a.dsb") == "good");
    const sys::Fd fd = *sys::open_read(dir.path / "a.dsb");
    const auto bundle = BundleReader::open(fd.get());
    CHECK(to_text(*bundle->read(app_compose_name, 100)) == "{}");
    CHECK(bundle->info()->images[0].image_id == "sha256:02");
    CHECK(!bundle->read(app_compose_name, 1));
    CHECK(!bundle->read("absent", 1));
    CHECK(std::distance(sys::fs::directory_iterator{dir.path}, sys::fs::directory_iterator{}) == 2);
  }

  TEST_CASE("a compressed archive has neither time nor name, and the archive is in it")
  {
    const sys::TestDirectory dir;
    REQUIRE(write_bundle(dir.path / "plain", sample()));
    REQUIRE(write_bundle(dir.path / "a.gz", sample(), Compression::gzip));
    const Bytes a = *sys::read_file(dir.path / "a.gz", 1 << 20);
    CHECK(*codec::gunzip(a, 1 << 20) == *sys::read_file(dir.path / "plain", 1 << 20));
    CHECK(hex(ByteView{a}.first(8)) == "1f8b080000000000"); // no flags, time zero (RFC 1952, 2.3)
  }

  TEST_CASE("malformed bundles are refused, naming the place")
  {
    const sys::TestDirectory dir;
    const sys::fs::path file = dir.path / "a.dsb";
    REQUIRE(write_bundle(file, sample()));
    const auto put = [&](std::string_view text) {
      REQUIRE(sys::write_file_atomic(dir.path / "x", as_bytes(text), sys::Privacy::shared));
      return bundle_outcome(dir.path / "x");
    };
    CHECK(put("") == "bundle: not a tar archive");
    CHECK(put("not a tar archive at all") == "bundle: not a tar archive");
    CHECK(put(std::string(4096, '\0')) == "bundle: empty or not a tar archive");
    CHECK(damaged(file, 0, std::string_view{"../escape.json\0\0\0", 17}) ==
          "bundle: entry name '../escape.json' is not a plain relative path");
    CHECK(damaged(file, 0, std::string_view{"/abs\0\0\0\0\0\0\0\0\0\0\0\0", 16}) ==
          "bundle: entry name '/abs' is not a plain relative path");
    CHECK(damaged(file, 156, "2") == "bundle: 'app-compose.json' is not a regular file");
    CHECK(damaged(file, 156, "5") == "bundle: 'app-compose.json' is not a regular file");
    CHECK(damaged(file, 124, "77777777777") == "bundle: 'app-compose.json' is cut off");
    CHECK(damaged(file, 124, "zzzzzzzzzzz") == "bundle: not a tar archive");
    CHECK(damaged(file, 512, "~").find("good") == 0); // the compose bytes are judged by their hash
    Bytes cut = *sys::read_file(file, 1 << 20);
    cut.resize(513);
    REQUIRE(sys::write_file_atomic(dir.path / "cut", cut, sys::Privacy::shared));
    CHECK(bundle_outcome(dir.path / "cut") == "bundle: 'app-compose.json' is cut off");
    auto entries = sample();
    entries["blobs/sha256/" + std::string(64, '0')] = {to_bytes("other"), {}};
    REQUIRE(write_bundle(dir.path / "lie", entries));
    CHECK(bundle_outcome(dir.path / "lie") == "bundle: the bytes of 'blobs/sha256/" +
                                                  std::string(64, '0') +
                                                  "' do not hash to its name");
    entries = sample();
    entries[std::string{bundle_info_name}].bytes = to_bytes("{}");
    REQUIRE(write_bundle(dir.path / "info", entries));
    CHECK(bundle_outcome(dir.path / "info") == "bundle: dstack-bundle.json: 'schema' is missing");
    entries.erase(std::string{bundle_info_name});
    REQUIRE(write_bundle(dir.path / "none", entries));
    CHECK(bundle_outcome(dir.path / "none") == "bundle: 'dstack-bundle.json' is missing");
  }
}

} // namespace dstack::archive
