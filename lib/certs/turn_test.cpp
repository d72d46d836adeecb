#include "certs/test_rig.hpp"

namespace dstack::certs {

namespace {

/// A turn that does as it is told, and writes down what it was asked.
struct TestTurn : Turn {
  Status take() override { return note("take", taken); }
  Status holds() override
  {
    const std::lock_guard guard{lock};
    ++asked;
    if (lost_after == 0 || asked < lost_after) return ok();
    return fail(Errc::denied, "lost");
  }
  Status answer(const Challenges& all) override
  {
    return note(fmt::format("answer {}", all.alpn.size() + all.http.size()), {});
  }
  Status keep(const Certificate& one) override { return note("keep " + one.domain, kept); }
  Status keep(const Account& one) override { return note("account " + one.url, kept); }
  void leave() override { static_cast<void>(note("leave", {})); }

  Status note(std::string what, const std::optional<Error>& why)
  {
    const std::lock_guard guard{lock};
    steps.push_back(std::move(what));
    return why ? Status{*why} : Status{ok()};
  }
  std::vector<std::string> seen()
  {
    const std::lock_guard guard{lock};
    return steps;
  }

  std::mutex lock;
  std::optional<Error> taken{};
  std::optional<Error> kept{};
  int lost_after = 0; ///< so many questions whether it holds; 0: never
  int asked = 0;
  std::vector<std::string> steps{};
};

struct Turned : Rig {
  Turned() { turn = mine; }
  std::shared_ptr<TestTurn> mine = std::make_shared<TestTurn>();
};

} // namespace

TEST_SUITE("certs::Turn")
{
  TEST_CASE("who has the turn proves it before each step, and shares what comes of it first")
  {
    Turned rig;
    rig.internet.authority.kind = "tls-alpn-01";
    rig.internet.authority.proven = [](const std::string&, const std::string&) { return true; };
    rig.start({plain("a.example.org", acme::ChallengeKind::tls_alpn_01)});
    REQUIRE(rig.until([&] { return !rig.certificates.empty() && rig.mine->seen().size() == 7; }));
    CHECK(rig.mine->seen() ==
          std::vector<std::string>{"take", "account https://ca/account/1", "leave", "take",
                                   "answer 1", "keep a.example.org", "leave"});
    CHECK(rig.mine->asked >= 4); // account, order, challenge, finalize
    CHECK(rig.failures.empty());
  }

  TEST_CASE("without the turn nothing reaches the authority")
  {
    Turned rig;
    rig.mine->taken = fail(Errc::denied, "another node is at it now");
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.failures.size() >= 2; }));
    CHECK(rig.failures[0].error.message() == "another node is at it now");
    CHECK(rig.accounts.empty());
    CHECK(rig.orders() == 0);
  }

  TEST_CASE("a turn that is lost on the way ends it before the next step")
  {
    Turned rig;
    rig.mine->lost_after = 2; // the account is had, the order is not
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.failures.empty(); }));
    CHECK(rig.failures[0].error.message() == "lost");
    CHECK(rig.orders() == 0);
    CHECK(rig.certificates.empty());
  }

  TEST_CASE("what could not be shared is not used")
  {
    Turned rig;
    rig.mine->kept = fail(Errc::io, "no majority");
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.failures.empty(); }));
    CHECK(rig.accounts.empty());
    CHECK(rig.manager->account_url().empty());
  }

  TEST_CASE("what another node got is as if it had been got here")
  {
    Rig other;
    other.start({wildcard("apps.example.org")});
    REQUIRE(other.until([&] { return !other.certificates.empty(); }));
    Turned rig;
    rig.mine->taken = fail(Errc::io, "no majority");
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.failures.empty(); }));
    REQUIRE(rig.manager->adopt(*other.saved));
    CHECK(rig.manager->account_url() == "https://ca/account/1");
    rig.manager->adopt(other.certificates[0]);
    const auto state = rig.manager->state();
    CHECK(state[0].not_after == other.certificates[0].not_after);
    CHECK(state[0].last_error.empty());
    rig.mine->taken.reset();
    rig.manager->hurry();
    rig.pass(100);
    CHECK(rig.orders() == 0);
    Account foreign = *other.saved;
    foreign.directory_url = "https://other/dir";
    CHECK(rig.manager->adopt(foreign).error().code() == Errc::config);
  }

  TEST_CASE("challenges that were left in the zone are taken away by whoever has the turn")
  {
    Turned rig;
    const std::string left_over(43, 'x');
    rig.internet.cloudflare.put(text_record(challenge_name, left_over));
    rig.mine->taken = fail(Errc::denied, "another node is at it now");
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.failures.empty(); }));
    CHECK(rig.records() == 1); // another node's, perhaps
    {
      const std::lock_guard guard{rig.mine->lock};
      rig.mine->taken.reset();
    }
    rig.manager->hurry();
    REQUIRE(rig.until([&] { return !rig.certificates.empty() && rig.records() == 0; }));
  }
}

} // namespace dstack::certs
