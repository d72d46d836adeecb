#include "image/cpio.hpp"

#include <doctest/doctest.h>

namespace dstack::image {

TEST_SUITE("image::CpioBuilder")
{
  TEST_CASE("entries come sorted, parents first, and do not depend on the order of adding")
  {
    CpioBuilder one{7};
    REQUIRE(one.file("lib/modules/b.ko", 0644, to_bytes("bb")));
    REQUIRE(one.file("init", 0755, to_bytes("program")));
    REQUIRE(one.character_device("dev/console", 0600, 5, 1));
    CpioBuilder two{7};
    REQUIRE(two.character_device("dev/console", 0600, 5, 1));
    REQUIRE(two.file("init", 0755, to_bytes("program")));
    REQUIRE(two.file("lib/modules/b.ko", 0644, to_bytes("bb")));
    const Bytes bytes = one.finish();
    CHECK(bytes == two.finish());
    const std::string_view text = as_text(bytes);
    CHECK(text.find("dev\0") < text.find("dev/console"));
    CHECK(text.find("dev/console") < text.find("init"));
    CHECK(text.find("lib/modules\0") < text.find("lib/modules/b.ko"));
    CHECK(bytes.size() % 512 == 0);
  }

  TEST_CASE("the first entry is what cpio --format=newc writes")
  {
    CpioBuilder builder{0x12345678};
    REQUIRE(builder.file("a", 0644, to_bytes("xyz")));
    CHECK(as_text(builder.finish()).substr(0, 116) == std::string_view{"070701"
                                                                       "00000001"
                                                                       "000081A4"
                                                                       "00000000"
                                                                       "00000000"
                                                                       "00000001"
                                                                       "12345678"
                                                                       "00000003"
                                                                       "00000000"
                                                                       "00000000"
                                                                       "00000000"
                                                                       "00000000"
                                                                       "00000002"
                                                                       "00000000"
                                                                       "a\0xyz\0",
                                                                       116});
  }

  TEST_CASE("paths that leave the archive, and the same path twice, are refused")
  {
    CpioBuilder builder{0};
    for (const char* bad : {"", "/init", "a/../b", "./a", "a//b", "a/"})
      CHECK_FALSE(builder.file(bad, 0644, {}));
    REQUIRE(builder.file("a", 0644, {}));
    CHECK_FALSE(builder.file("a", 0644, {}));
    CHECK_FALSE(builder.directory("a", 0755));
  }
}

} // namespace dstack::image
