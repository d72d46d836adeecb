#include "agents/kms/root_keeper.hpp"

#include "sys/workers.hpp"
#include "vault/test_roots.hpp"

#include <doctest/doctest.h>

namespace dstack::kmsnode {

namespace {

using std::chrono::milliseconds;

vault::OpenRoot some_root()
{
  vault::RootMaterial material = vault::testing::published_root();
  auto shown = *vault::public_root_of(material, vault::testing::now);
  return {std::move(material), std::move(shown), {}, {}};
}

} // namespace

TEST_SUITE("kmsnode::root_keeper")
{
  TEST_CASE("the last holder's letting go is told, on whatever thread it is")
  {
    const auto loop = *sys::Loop::create();
    const auto keeper = *RootKeeper::create(*loop);
    const auto pool = *sys::WorkerPool::create(*loop, {1, 1});
    RootKeeper::Root root = keeper->keep(some_root());
    RootKeeper::Root other = keeper->keep(some_root());
    CHECK(root->open.cluster == some_root().open.cluster);
    std::weak_ptr<const vault::OpenRoot> seen = root;
    auto held = std::make_shared<RootKeeper::Root>(root);
    std::vector<std::string> order;
    keeper->await(root, milliseconds{60'000}, [&](const Status& gone) {
      CHECK(gone);
      CHECK(seen.expired());
      order.emplace_back("gone");
      loop->stop();
    });
    keeper->await(other, milliseconds{60'000}, [&](const Status&) { order.emplace_back("other"); });
    root.reset();
    REQUIRE(pool->run(
        [&] {
          order.emplace_back("let go");
          held->reset();
        },
        [] {}));
    REQUIRE(loop->run());
    CHECK(order == std::vector<std::string>{"let go", "gone"});
  }

  TEST_CASE("a root that is gone already is told at once; one that stays, at the limit")
  {
    const auto loop = *sys::Loop::create();
    const auto keeper = *RootKeeper::create(*loop);
    RootKeeper::Root root = keeper->keep(some_root());
    const std::weak_ptr<const vault::OpenRoot> before = keeper->keep(some_root());
    bool told = false;
    keeper->await(before, milliseconds{0}, [&](const Status& gone) { told = bool{gone}; });
    CHECK(told);
    keeper->await(root, milliseconds{1}, [&](const Status& gone) {
      REQUIRE_FALSE(gone);
      CHECK(gone.error().code() == Errc::timeout);
      root.reset(); // told of once only
      loop->after(milliseconds{1}, [&] { loop->stop(); });
    });
    REQUIRE(loop->run());
  }
}

} // namespace dstack::kmsnode
