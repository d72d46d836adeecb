#include "certs/dev_ca.hpp"
#include "certs/test_rig.hpp"
#include "sys/files.hpp"
#include "x509/p256_certificate.hpp"
#include "x509/read.hpp"

namespace dstack::certs {

TEST_SUITE("certs::Manager")
{
  TEST_CASE("a wildcard by DNS: account first, records taken away, also those from before")
  {
    Rig rig;
    const std::string left_over(43, 'x');
    rig.internet.cloudflare.put(text_record(challenge_name, left_over));
    rig.internet.cloudflare.put(text_record(challenge_name, "somebody else's"));
    bool was_there = true;
    rig.internet.authority.instead =
        [&](const std::string& path) -> std::optional<Result<http::Response>> {
      if (path == "/order")
        was_there = rig.internet.cloudflare.has_text(std::string{challenge_name}, left_over);
      return std::nullopt;
    };
    Domain domain = wildcard("apps.example.org");
    domain.names = Names::wildcard_and_itself;
    rig.start({domain});
    REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
    CHECK(rig.accounts == std::vector<std::string>{"https://ca/account/1"});
    CHECK(rig.manager->account_url() == "https://ca/account/1");
    CHECK(!was_there);
    const Certificate& got = rig.certificates[0];
    CHECK(got.domain == "apps.example.org");
    const auto chain = x509::certificates_of_pem(got.chain_pem, 2);
    CHECK(*x509::dns_names_of(chain->front()) ==
          std::vector<std::string>{"*.apps.example.org", "apps.example.org"});
    CHECK(got.not_after.ms - rig.wall_ms == 90 * day_ms);
    const auto again = read_certificate(got.domain, got.chain_pem, got.key_pem);
    REQUIRE(again);
    CHECK(equal(again->spki, got.spki));
    CHECK(rig.until([&] { return rig.records() == 1; }));
    CHECK(rig.failures.empty());
    const auto state = rig.manager->state();
    REQUIRE(state.size() == 1);
    CHECK(state[0].not_after->ms == got.not_after.ms);
    CHECK(*state[0].renewal == Time{got.not_after.ms - 30 * day_ms});
  }

  TEST_CASE("every issuance has a key of its own; a renewal says what it replaces if that is known")
  {
    Rig rig;
    rig.internet.authority.renewal =
        acme::RenewalInfo{Time{rig.wall_ms + 80 * day_ms}, Time{rig.wall_ms + 81 * day_ms}};
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] {
      return rig.certificates.size() == 1 &&
             rig.manager->state()[0].renewal == Time{rig.wall_ms + 80 * day_ms};
    }));
    CHECK(rig.internet.authority.last_order.find("replaces") == std::string::npos);
    REQUIRE(rig.manager->renew_now("apps.example.org"));
    REQUIRE(rig.until([&] { return rig.certificates.size() == 2; }));
    CHECK(!equal(rig.certificates[0].spki, rig.certificates[1].spki));
    const auto first = x509::certificates_of_pem(rig.certificates[0].chain_pem, 2);
    const std::string replaced =
        fmt::format("\"replaces\":\"{}\"", *acme::renewal_info_name(first->front()));
    CHECK(rig.internet.authority.last_order.find(replaced) != std::string::npos);
    CHECK(rig.manager->renew_now("other.example.org").error().code() == Errc::not_found);
  }

  TEST_CASE("an authority that wants a certificate replaced early is heard")
  {
    Rig rig;
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.certificates.size() == 1; }));
    const Certificate kept = rig.certificates[0];
    Rig later;
    later.internet.authority.renewal =
        acme::RenewalInfo{Time{later.wall_ms - day_ms}, Time{later.wall_ms - day_ms + 1000}};
    later.start({wildcard("apps.example.org")}, {kept});
    REQUIRE(later.until([&] { return later.certificates.size() == 1; }));
  }

  TEST_CASE("HTTP and TLS challenges are there while they are needed, without any DNS")
  {
    for (const auto kind : {acme::ChallengeKind::http_01, acme::ChallengeKind::tls_alpn_01}) {
      Rig rig;
      rig.internet.authority.kind = name_of(kind);
      rig.internet.authority.proven = nullptr;
      rig.start({plain("gw.example.org", kind)});
      REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
      CHECK(rig.most_challenges == 1);
      CHECK(rig.challenges.http.empty());
      CHECK(rig.challenges.alpn.empty());
    }
  }

  TEST_CASE("what fails is tried again, its error kept; others go on meanwhile")
  {
    Rig rig;
    rig.start({wildcard("apps.example.org"), wildcard("other.elsewhere.net"),
               plain("nothing.example.org", acme::ChallengeKind::dns_01)});
    REQUIRE(rig.until([&] { return rig.certificates.size() == 1 && rig.failures.size() > 4; }));
    const auto state = rig.manager->state();
    REQUIRE(state.size() == 3);
    CHECK(state[0].last_error.empty());
    CHECK(state[1].last_error.find("no way to set one is configured") != std::string::npos);
    CHECK(state[2].failures > 1);
    CHECK(state[2].last_error.find("none of the 2 zones") != std::string::npos);
    CHECK(state[2].last_error.find("secret-token") == std::string::npos);
    rig.manager->set_domains({wildcard("apps.example.org")}, {});
    const std::size_t before = rig.orders();
    rig.pass(150);
    CHECK(rig.orders() <= before + 2); // what was running ends
    CHECK(rig.certificates.size() == 1);
  }

  TEST_CASE("a proof that the authority does not find: refused, records taken away, tried again")
  {
    Rig rig;
    std::atomic<int> looks = 0;
    const auto proven = rig.internet.authority.proven;
    rig.internet.authority.proven = [&](const std::string& domain, const std::string& value) {
      return ++looks > 2 && proven(domain, value);
    };
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
    CHECK(rig.failures.size() == 2);
    CHECK(rig.until([&] { return rig.records() == 0; }));
  }

  TEST_CASE("an authority that limits its use is left alone for as long as it says")
  {
    Rig rig;
    rig.internet.authority.instead =
        [](const std::string& path) -> std::optional<Result<http::Response>> {
      if (path != "/order") return std::nullopt;
      http::Response out = TestAuthority::problem(429, "rateLimited");
      out.headers = {{"Retry-After", "7200"}, {"Replay-Nonce", "limited"}};
      return out;
    };
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.failures.size() == 1; }));
    CHECK(rig.failures[0].next_try >= Time{rig.wall_ms + 7'199'000});
    rig.wall_ms += 3 * day_ms; // what the clock says does not shorten it
    rig.pass(200);
    CHECK(rig.failures.size() == 1);
  }

  TEST_CASE("an authority that is down, and one that answers nonsense")
  {
    Rig rig;
    std::atomic<bool> down = true;
    rig.internet.authority.instead =
        [&](const std::string& path) -> std::optional<Result<http::Response>> {
      if (!down) return std::nullopt;
      if (path == "/dir") return http::Response{200, {}, "<html>"};
      return fail(Errc::io, "connection refused");
    };
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.failures.size() >= 3; }));
    CHECK(rig.failures[0].domain.empty()); // there is not even an account
    CHECK(rig.manager->state()[0].last_error.starts_with("ACME account: "));
    down = false;
    REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
    CHECK(rig.manager->state()[0].last_error.empty());
  }

  TEST_CASE("an account that cannot be kept is not used; the same one is kept later")
  {
    Rig rig;
    rig.refuse_accounts = 3;
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.failures.size() == 3; }));
    CHECK(rig.orders() == 0);
    CHECK(rig.failures[0].error.message().find("disk full") != std::string::npos);
    REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
    CHECK(rig.internet.authority.accounts == 1);
  }

  TEST_CASE("a certificate and an account from before: nothing is asked for until it is time")
  {
    Rig rig;
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
    Rig later;
    std::get<AcmeSettings>(later.settings.authority).account = rig.saved;
    later.internet.authority.proven = nullptr; // it learns account keys when accounts are made
    later.start({wildcard("apps.example.org")}, rig.certificates);
    later.wall_ms += 59 * day_ms;
    later.pass(150);
    CHECK(later.orders() == 0);
    later.wall_ms += 2 * day_ms;
    REQUIRE(later.until([&] { return later.certificates.size() == 1; }));
    CHECK(later.internet.authority.accounts == 0);
    CHECK(later.accounts.empty());
  }

  TEST_CASE("a clock that jumps ahead makes no storm, and one that jumps back no renewal too late")
  {
    Rig rig;
    const std::int64_t right = rig.wall_ms;
    rig.settings.renewal.retry_most_ms = 60'000;
    rig.settings.renewal.retry_base_ms = 60'000;
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.certificates.size() == 1; }));
    rig.pass(50);
    rig.wall_ms = right + 75 * day_ms;
    rig.pass(150);
    CHECK(rig.orders() == 1); // it was issued a moment ago: that cannot be
    rig.wall_ms = right - 4000 * day_ms;
    rig.pass(150);
    CHECK(rig.orders() == 1);
    CHECK(rig.certificates.size() == 1);
  }

  TEST_CASE("failures while the clock was ahead do not hold it up once it is right again")
  {
    Rig rig;
    std::atomic<bool> down = true;
    const auto instead = [&](const std::string& path) -> std::optional<Result<http::Response>> {
      if (path == "/order" && down) return fail(Errc::io, "certificate has expired");
      return std::nullopt;
    };
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.certificates.size() == 1; }));
    {
      const std::lock_guard guard{rig.internet.lock};
      rig.internet.authority.instead = instead;
    }
    std::get<AcmeSettings>(rig.settings.authority).total_ms = 100;
    rig.wall_ms += 4000 * day_ms;
    REQUIRE(rig.manager->renew_now("apps.example.org"));
    rig.pass(50);
    rig.wall_ms -= 4000 * day_ms;
    down = false;
    REQUIRE(rig.until([&] { return rig.certificates.size() == 2; }));
  }

  TEST_CASE("records that cannot be taken away are told after some tries")
  {
    Rig rig;
    rig.internet.cloudflare.refuses_removal = true;
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.notes.empty(); }));
    CHECK(rig.notes[0].find("_acme-challenge.apps.example.org") != std::string::npos);
    CHECK(rig.notes[0].find("not now") != std::string::npos);
    CHECK(rig.certificates.size() == 1);
  }

  TEST_CASE("CAA records bind the domain to the account, and again change nothing")
  {
    Rig rig;
    rig.internet.cloudflare.put(
        codec::Json{}
            .set("type", "CAA")
            .set("name", "apps.example.org")
            .set("data", codec::Json{}.set("flags", 0).set("tag", "issue").set("value", "old.ca")));
    rig.start({wildcard("apps.example.org")});
    std::optional<Result<acme::CaaPlan>> plan;
    const auto ask = [&] {
      plan.reset();
      rig.manager->set_caa("apps.example.org",
                           [&](Result<acme::CaaPlan> got) { plan = std::move(got); });
      return rig.until([&] { return plan.has_value(); });
    };
    REQUIRE(ask());
    CHECK(!*plan); // no account yet
    REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
    REQUIRE(ask());
    REQUIRE(*plan);
    const std::string value = "ca.test;validationmethods=dns-01;accounturi=https://ca/account/1";
    CHECK((*plan)->add ==
          std::vector<acme::CaaRecord>{{0, "issue", value}, {0, "issuewild", value}});
    CHECK((*plan)->remove == std::vector<acme::CaaRecord>{{0, "issue", "old.ca"}});
    REQUIRE(ask());
    REQUIRE(*plan);
    CHECK((*plan)->add.empty());
    CHECK((*plan)->remove.empty());
  }

  TEST_CASE("another account")
  {
    Rig rig;
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return !rig.certificates.empty(); }));
    std::optional<Result<std::string>> got;
    rig.manager->rotate_account([&](Result<std::string> url) { got = std::move(url); });
    REQUIRE(rig.until([&] { return got.has_value(); }));
    REQUIRE(*got);
    CHECK(**got == "https://ca/account/2");
    CHECK(rig.manager->account_url() == "https://ca/account/2");
    REQUIRE(rig.manager->renew_now("apps.example.org"));
    REQUIRE(rig.until([&] { return rig.certificates.size() == 2; }));
  }

  TEST_CASE("a manager that goes while it works tells nothing more")
  {
    Rig rig;
    rig.start({wildcard("apps.example.org"), wildcard("b.example.org")});
    REQUIRE(rig.until([&] { return rig.orders() > 0; }));
    const std::size_t before = rig.certificates.size();
    rig.manager.reset();
    rig.pass(50);
    CHECK(rig.certificates.size() == before);
  }

  TEST_CASE("a development CA: its own root, owner-only, the same the next time")
  {
    const auto directory = *sys::make_temp_directory(sys::fs::temp_directory_path(), "dev-ca");
    Rig rig;
    rig.settings.authority = DevCaSettings{directory.string()};
    rig.start({wildcard("apps.example.org")});
    REQUIRE(rig.until([&] { return rig.certificates.size() == 1; }));
    CHECK(is_development(rig.certificates[0].chain_pem));
    namespace fs = sys::fs;
    for (const char* name : {"dev-ca.key", "dev-ca.pem"})
      CHECK((fs::status(directory / name).permissions() & fs::perms::all) ==
            (fs::perms::owner_read | fs::perms::owner_write));
    const auto root = x509::read_certificate(
        *x509::first_certificate(*sys::read_file(directory / "dev-ca.pem", 10'000)));
    REQUIRE(root);
    CHECK(root->subject.find("development") != std::string::npos);
    CHECK(root->not_after * 1000 > rig.wall_ms + 3000 * day_ms);
    Rig again;
    again.settings.authority = DevCaSettings{directory.string()};
    again.start({wildcard("apps.example.org")}, rig.certificates);
    again.pass(50);
    CHECK(again.certificates.empty());
    Rig public_one;
    public_one.start({wildcard("apps.example.org")}, rig.certificates);
    CHECK(public_one.until([&] { return public_one.certificates.size() == 1; }));
    REQUIRE(sys::write_file_atomic(directory / "dev-ca.key",
                                   as_bytes(crypto::P256Key::generate().pkcs8_pem()),
                                   sys::Privacy::owner_only));
    CHECK(DevCa::open(directory.string(), Time{rig.wall_ms}).error().code() == Errc::config);
    CHECK(sys::remove_tree(directory));
  }
}

} // namespace dstack::certs
