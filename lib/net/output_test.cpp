#include "net/output.hpp"

#include <doctest/doctest.h>

namespace dstack::net {

TEST_SUITE("net::Output")
{
  TEST_CASE("what was added comes out in order, however it is sent")
  {
    Output out;
    std::string expected;
    std::string got;
    for (int i = 0; i < 2000; ++i) {
      const std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
      expected += piece;
      if (i % 2 == 0)
        out.add(piece);
      else
        out.add(std::string{piece});
      if (i % 3 != 0) continue;
      const std::string some{out.rest().substr(0, static_cast<std::size_t>(i))};
      got += some;
      out.sent(some.size());
      CHECK(out.size() == expected.size() - got.size());
    }
    got += out.rest();
    CHECK(got == expected);
  }

  TEST_CASE("what was sent does not stay in memory")
  {
    Output out;
    std::string answer(1'000'000, 's');
    const char* const at = answer.data();
    out.add(std::move(answer));
    REQUIRE(out.rest().data() == at); // taken as it is: no copy is left behind
    out.sent(600'000);                // drops it, and moves the rest to the front
    CHECK(out.size() == 400'000);
    CHECK(at[0] == 's');
    CHECK(at[400'000] == '\0');
    CHECK(at[999'999] == '\0');
    out.sent(400'000);
    CHECK(at[0] == '\0');
    CHECK(at[399'999] == '\0');
  }
}

} // namespace dstack::net
