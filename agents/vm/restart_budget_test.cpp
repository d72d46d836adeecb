#include "agents/vm/restart_budget.hpp"

#include <doctest/doctest.h>

namespace dstack::supervisor {

using std::chrono::milliseconds;

TEST_SUITE("supervisor::RestartBudget")
{
  TEST_CASE("without a policy a failure is the end")
  {
    RestartBudget budget{{store::RestartPolicy::no, 5}, {}};
    CHECK(budget.after_failure(0) == std::nullopt);
  }

  TEST_CASE("delays double up to the longest, then the retries are used up")
  {
    RestartBudget budget{{store::RestartPolicy::on_failure, 4},
                         {milliseconds{2}, milliseconds{5}, milliseconds{10}}};
    CHECK(budget.after_failure(0) == milliseconds{2});
    CHECK(budget.after_failure(2) == milliseconds{4});
    CHECK(budget.after_failure(6) == milliseconds{5});
    CHECK(budget.after_failure(11) == milliseconds{5});
    CHECK(budget.after_failure(20) == std::nullopt);
  }

  TEST_CASE("a healthy time starts the count anew, a short one does not")
  {
    RestartBudget budget{{store::RestartPolicy::always, 2},
                         {milliseconds{2}, milliseconds{50}, milliseconds{10}}};
    CHECK(budget.after_failure(0) == milliseconds{2});
    budget.became_healthy(3);
    CHECK(budget.after_failure(12) == milliseconds{4});
    budget.became_healthy(20);
    CHECK(budget.after_failure(30) == milliseconds{2});
  }

  TEST_CASE("no limit of retries means no end")
  {
    RestartBudget budget{{store::RestartPolicy::always, 0}, {}};
    for (int i = 0; i < 100; ++i)
      REQUIRE(budget.after_failure(i));
    CHECK(budget.after_failure(100) == milliseconds{300'000});
  }
}

} // namespace dstack::supervisor
