#include "guest/app_seed.hpp"

#include "tee/sim_host.hpp"
#include "tee/sim_provider.hpp"

#include <doctest/doctest.h>

namespace dstack::guest {
namespace {

using codec::Json;
constexpr Time seeded_at{1'795'000'000'000};

/// A TEE that keeps no keys, as TDX, but whose quotes are the simulated one's.
class Forgetful : public tee::Tee {
public:
  explicit Forgetful(tee::HostCall call) : inner_(tee::make_simulated(std::move(call))) {}
  std::string_view name() const override { return "forgetful"; }
  bool simulated() const override { return true; }
  Result<tee::BootLog> boot() override { return inner_->boot(); }
  Status extend(unsigned rtmr, const crypto::Sha384Digest& digest) override
  {
    return inner_->extend(rtmr, digest);
  }
  Result<Bytes> quote(const tee::ReportData& data) override { return inner_->quote(data); }
  Result<std::optional<Secret<32>>> sealing_key(std::string_view, std::string_view) override
  {
    return std::optional<Secret<32>>{};
  }
  Result<dcap::Anchor> provider_root() override { return inner_->provider_root(); }

private:
  std::unique_ptr<tee::Tee> inner_;
};

struct SeedWorld {
  sys::fs::path directory =
      *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-app-seed");
  tee::SimTee host{*tee::SimAuthority::open(directory / "a", seeded_at), {}, Bytes(48, 9)};
  tee::HostCall call = [this](std::string_view method, const Json& params) {
    return host.handle(method, params);
  };
  std::unique_ptr<tee::Tee> simulated = tee::make_simulated(call);
  Forgetful forgetful{call};
  Identity identity{};

  SeedWorld() = default;
  SeedWorld(const SeedWorld&) = delete;
  SeedWorld& operator=(const SeedWorld&) = delete;
  ~SeedWorld() { static_cast<void>(sys::remove_tree(directory)); }

  Result<AppSeed> ask(tee::Tee& tee, const compose::AppCompose& app)
  {
    return obtain_seed(tee, call, app, identity, seeded_at);
  }
};

compose::AppCompose app_with(compose::KeyProvider provider, Bytes id = {})
{
  compose::AppCompose out;
  out.key_provider = provider;
  out.key_provider_field = "key_provider";
  out.key_provider_id = std::move(id);
  return out;
}

} // namespace

TEST_SUITE("app seed")
{
  TEST_CASE("without a key provider the seed is the TEE's, or new at every boot")
  {
    SeedWorld world;
    const auto none = app_with(compose::KeyProvider::none);
    const auto kept = world.ask(*world.simulated, none);
    REQUIRE(kept);
    CHECK(kept->life == SeedLife::returns);
    CHECK(kept->provider == R"({"name":"none","id":""})");
    CHECK(equal(kept->seed.view(), world.ask(*world.simulated, none)->seed.view()));
    const auto fresh = world.ask(world.forgetful, none);
    REQUIRE(fresh);
    CHECK(fresh->life == SeedLife::this_boot);
    CHECK(!equal(fresh->seed.view(), world.ask(world.forgetful, none)->seed.view()));
  }

  TEST_CASE("a local key provider's seed returns, and the enclave is named")
  {
    SeedWorld world;
    const auto local = app_with(compose::KeyProvider::local);
    const auto seed = world.ask(world.forgetful, local);
    INFO((seed ? std::string{} : seed.error().message()));
    REQUIRE(seed);
    CHECK(seed->life == SeedLife::returns);
    CHECK(seed->provider ==
          fmt::format(R"({{"name":"local-sgx","id":"{}"}})", hex(tee::sim_provider_id())));
    CHECK(equal(seed->seed.view(), world.ask(world.forgetful, local)->seed.view()));
  }

  TEST_CASE("an app that pins its key provider gets keys from no other")
  {
    SeedWorld world;
    const Bytes right = to_bytes(ByteView{tee::sim_provider_id()});
    CHECK(world.ask(world.forgetful, app_with(compose::KeyProvider::local, right)));
    for (const Bytes& wrong : {Bytes(32, 1), Bytes(31, 0), Bytes(right.begin(), right.end() - 1)}) {
      const auto refused = world.ask(world.forgetful, app_with(compose::KeyProvider::local, wrong));
      REQUIRE(!refused);
      CHECK(refused.error().code() == Errc::denied);
      CHECK(refused.error().message().find(hex(right) + "' (the app wants") != std::string::npos);
    }
    const auto none = app_with(compose::KeyProvider::none, right);
    CHECK(world.ask(*world.simulated, none).error().code() == Errc::denied);
  }

  TEST_CASE("other key providers are refused by the name of the field")
  {
    SeedWorld world;
    for (const auto provider : {compose::KeyProvider::kms, compose::KeyProvider::tpm})
      CHECK(world.ask(*world.simulated, app_with(provider)).error().code() == Errc::unsupported);
  }
}

} // namespace dstack::guest
