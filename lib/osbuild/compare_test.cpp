#include "osbuild/compare.hpp"

#include "codec/gzip.hpp"
#include "osbuild/unpack.hpp"
#include "osbuild/verifier_bundle.hpp"

#include <doctest/doctest.h>

namespace dstack::osbuild {

namespace {

/// Two directories with the same files.
struct Pair {
  fs::path top = *sys::make_temp_directory(fs::temp_directory_path(), "compare");
  fs::path a = top / "a";
  fs::path b = top / "b";
  Pair()
  {
    for (const fs::path& side : {a, b}) {
      fs::create_directory(side);
      put(side / "large", Bytes((std::size_t{1} << 20U) + 10, 7));
      put(side / "metadata.json", as_bytes(R"({"version":"1","is_dev":false})"));
      put(side / "empty", {});
    }
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { fs::remove_all(top); }

  static void put(const fs::path& file, ByteView content)
  {
    fs::remove(file);
    REQUIRE(write_file(file, content, 0644));
  }
  /// The only difference.
  std::string found() const
  {
    const auto all = compare_images(a, b);
    REQUIRE(all);
    if (all->empty()) return "none";
    REQUIRE(all->size() == 1);
    return all->front().file + ": " + all->front().what;
  }
};

} // namespace

TEST_SUITE("osbuild::compare_images")
{
  TEST_CASE("two equal builds have no difference, whatever their files' times")
  {
    const Pair pair;
    fs::last_write_time(pair.a / "large", fs::file_time_type{});
    CHECK(pair.found() == "none");
    CHECK_FALSE(compare_images(pair.a, pair.top / "none"));
  }

  TEST_CASE("the file, the place and how much of it differ are named")
  {
    const Pair pair;
    Bytes large((std::size_t{1} << 20U) + 10, 7);
    large[(std::size_t{1} << 20U) + 3] = 0;
    large[(std::size_t{1} << 20U) + 5] = 0;
    Pair::put(pair.b / "large", large);
    CHECK(pair.found() == "large: first differs at byte 1048579, 2 bytes differ");
    large.assign((std::size_t{1} << 20U) + 11, 7);
    Pair::put(pair.b / "large", large);
    CHECK(pair.found() == "large: 1048586 and 1048587 bytes");
    fs::remove(pair.b / "large");
    CHECK(pair.found() == fmt::format("large: only in {}", pair.a.string()));
  }

  TEST_CASE("of metadata the members that differ are named, when it can be read")
  {
    const Pair pair;
    Pair::put(pair.b / "metadata.json", as_bytes(R"({"version":"2","is_dev":false,"x":1})"));
    CHECK(pair.found() == "metadata.json: \"version\" is \"1\" and \"2\"; \"x\" is missing and 1");
    Pair::put(pair.b / "metadata.json", as_bytes(R"({"version":"1","is_dev":false])"));
    CHECK(pair.found() == "metadata.json: first differs at byte 29, 1 bytes differ");
  }
}

TEST_SUITE("osbuild::verifier_bundle")
{
  TEST_CASE("what the image hash covers is in it, flat, and the root file system is not")
  {
    const Pair pair;
    ImageInfo image;
    image.directory = pair.a;
    image.image_hash = std::string(64, 'a');
    image.metadata.rootfs = "large";
    const std::string manifest =
        image::write_manifest({{"metadata.json", {}}, {"empty", {}}, {"large", {}}});
    Pair::put(pair.a / "sha256sum.txt", as_bytes(manifest));
    Pair::put(pair.a / "note", as_bytes("not listed"));
    CHECK(bundle_name(image) == "mr_" + std::string(64, 'a') + ".tar.gz");
    REQUIRE(write_verifier_bundle(image, pair.top / "one"));
    REQUIRE(write_verifier_bundle(image, pair.top / "two"));
    const Bytes one = *sys::read_file(pair.top / "one", std::size_t{1} << 20U);
    CHECK(one == *sys::read_file(pair.top / "two", std::size_t{1} << 20U));
    const Bytes tar = *codec::gunzip(one, std::size_t{1} << 20U);
    constexpr std::size_t block = 512;
    // A header and at most one block of content each, two blocks of zeros.
    CHECK(tar.size() == (4 + 3 + 2) * block);
    const auto name_at = [&](std::size_t number) {
      const std::string field{as_text(ByteView{tar}.subspan(number * block, 100))};
      return field.substr(0, field.find('\0'));
    };
    CHECK(name_at(0) == "digest.txt");
    CHECK(name_at(2) == "empty");
    CHECK(name_at(3) == "metadata.json");
    CHECK(name_at(5) == "sha256sum.txt");
    image.metadata.bios_sev = "note"; // bound by its document, not by the checksums
    REQUIRE(write_verifier_bundle(image, pair.top / "three"));
    CHECK(*sys::read_file(pair.top / "three", std::size_t{1} << 20U) != one);
  }
}

} // namespace dstack::osbuild
