#include "guest/local_keys.hpp"

#include "dcap/verify.hpp"
#include "tee/sim_host.hpp"
#include "tee/sim_provider.hpp"
#include "tee/sim_trust.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace dstack::guest {
namespace {

namespace fs = std::filesystem;
using codec::Json;
constexpr Time now{1'795'000'000'000};
const std::string app_id(40, 'a');
const std::string instance_id(40, 'b');

/// A simulated host with one VM, and what its guest holds.
struct HostWorld {
  fs::path directory = *sys::make_temp_directory(fs::temp_directory_path(), "dstack-local-keys");
  tee::SimAuthority authority = *tee::SimAuthority::open(directory / "a", now);
  tee::SimTee host{*tee::SimAuthority::open(directory / "a", now), {}, Bytes(48, 9)};
  std::unique_ptr<tee::Tee> tee = tee::make_simulated(call());
  dcap::Anchor root = *dcap::Anchor::from_file(authority.root());
  crypto::BoxKey recipient = crypto::BoxKey::generate();

  HostWorld() = default;
  HostWorld(const HostWorld&) = delete;
  HostWorld& operator=(const HostWorld&) = delete;
  ~HostWorld() { static_cast<void>(sys::remove_tree(directory)); }

  tee::HostCall call()
  {
    return
        [this](std::string_view method, const Json& params) { return host.handle(method, params); };
  }
  Result<LocalKey> request(const std::string& app, const std::string& instance)
  {
    return request_local_key(*tee, call(), app, instance, now);
  }
  Json params()
  {
    tee::ReportData data{};
    std::copy(recipient.public_key().begin(), recipient.public_key().end(), data.begin());
    return Json{}
        .set("quote", hex(*tee->quote(data)))
        .set("app_id", app_id)
        .set("instance_id", instance_id);
  }
  ProviderAnswer answer()
  {
    return *parse_provider_answer(*host.handle("GetSealingKey", params()));
  }
  /// An answer with this box and a quote of this enclave, which vouches for it.
  ProviderAnswer made(const Bytes& box, dcap::EnclaveReport enclave = {}) const
  {
    const auto bound = crypto::sha256(box);
    std::copy(bound.begin(), bound.end(), enclave.report_data.begin());
    return {box, authority.enclave_quote(enclave), authority.enclave_collateral()};
  }
  Result<LocalKey> open(const ProviderAnswer& answer) const
  {
    return open_provider_answer(answer, recipient, root, now);
  }
};

std::string refusal(const Result<LocalKey>& result, Errc code)
{
  REQUIRE(!result);
  CHECK(result.error().code() == code);
  return result.error().message();
}

bool has(const std::string& text, std::string_view part)
{
  INFO(text);
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("local keys")
{
  TEST_CASE("the key comes back for the same app and instance, and for no other")
  {
    HostWorld world;
    const auto first = world.request(app_id, instance_id);
    INFO((first ? std::string{} : first.error().message()));
    REQUIRE(first);
    CHECK(equal(first->mr_enclave, tee::sim_provider_id()));
    CHECK(equal(first->seed.view(), world.authority.sealing_key(app_id, instance_id).view()));
    REQUIRE(world.tee->extend(3, crypto::sha384(as_bytes("another boot"))));
    CHECK(equal(world.request(app_id, instance_id)->seed.view(), first->seed.view()));
    CHECK(!equal(world.request(app_id, app_id)->seed.view(), first->seed.view()));
    CHECK(!equal(world.request(instance_id, instance_id)->seed.view(), first->seed.view()));
  }

  TEST_CASE("the worked values of the specification open")
  {
    // kms.md 20.9
    const auto secret =
        *parse_hex_array<32>("62627b467b93df5f43291a5270ffcd13884eae825c112bd5c56d589a74ba3e36");
    const auto key = crypto::BoxKey::from_secret(Secret<32>{secret});
    CHECK(hex(key.public_key()) ==
          "dcfc9146baf2cc231dd23079666a057d4840424446cf24768df19b0be151cf20");
    const Bytes box = *parse_hex(
        "c8667116653decf411f37805444744843e5c3bed734742d81e4d621088902e6663abaea2c2120d00a7fb9859d9"
        "7ef7ebb5e6d6e6a76b7d7d4b91df93668b9b745fb6724c28ba3f51ba6913711b911b1c");
    CHECK(hex(crypto::sha256(box)) ==
          "fda196fb0d61097b03425e6dc80a09173ab93f30fda94331f07f7f69056189cc");
    CHECK(hex(key.open(box)->view()) ==
          "c7d35949dd7d96af6f5ff40586681183c278cc67628227174e286a747782664d");
  }

  TEST_CASE("a box for another recipient is refused")
  {
    HostWorld world;
    const auto other = crypto::BoxKey::generate();
    const Bytes box = *crypto::seal_key(other.public_key(), Secret<32>{});
    CHECK(has(refusal(world.open(world.made(box)), Errc::untrusted), "not sealed to the key"));
    ProviderAnswer answer = world.answer();
    answer.encrypted_key.back() ^= 1U;
    CHECK(has(refusal(world.open(world.made(answer.encrypted_key)), Errc::untrusted),
              "not sealed to the key"));
  }

  TEST_CASE("a quote that vouches for another box is refused")
  {
    HostWorld world;
    const ProviderAnswer first = world.answer();
    ProviderAnswer mixed = world.answer();
    CHECK(world.open(mixed));
    mixed.encrypted_key = first.encrypted_key;
    CHECK(has(refusal(world.open(mixed), Errc::untrusted), "vouches for another key"));
  }

  TEST_CASE("an enclave that can be debugged is refused")
  {
    HostWorld world;
    dcap::EnclaveReport enclave;
    enclave.attributes[0] = 0x07;
    const auto answer = world.made(world.answer().encrypted_key, enclave);
    CHECK(has(refusal(world.open(answer), Errc::untrusted), "can be debugged"));
    enclave.attributes[0] = 0x05;
    CHECK(world.open(world.made(world.answer().encrypted_key, enclave)));
  }

  TEST_CASE("a quote under another root is refused")
  {
    HostWorld world;
    const ProviderAnswer answer = world.answer();
    const auto intel = open_provider_answer(answer, world.recipient, dcap::Anchor::intel(), now);
    CHECK(has(refusal(intel, Errc::untrusted), "provider's quote: collateral."));
    const auto foreign = *tee::SimAuthority::open(world.directory / "b", now);
    const auto root = *dcap::Anchor::from_file(foreign.root());
    static_cast<void>(
        refusal(open_provider_answer(answer, world.recipient, root, now), Errc::untrusted));
    ProviderAnswer mixed = answer;
    mixed.collateral = foreign.enclave_collateral();
    static_cast<void>(refusal(world.open(mixed), Errc::untrusted));
  }

  TEST_CASE("a key of another length is refused")
  {
    HostWorld world;
    for (const std::size_t size : {0U, 48U, 64U, 79U, 81U, 96U})
      CHECK(has(refusal(world.open(world.made(Bytes(size, 1))), Errc::malformed),
                fmt::format("sealed key of {} bytes", size)));
  }

  TEST_CASE("a tampered quote, a quote of a VM and stale collateral are refused")
  {
    HostWorld world;
    ProviderAnswer answer = world.answer();
    constexpr std::size_t mr_enclave = 48 + 64;
    answer.provider_quote[mr_enclave] ^= 1U;
    CHECK(has(refusal(world.open(answer), Errc::untrusted), "quote.signature"));
    answer = world.answer();
    answer.provider_quote = *world.tee->quote(tee::ReportData{});
    static_cast<void>(refusal(world.open(answer), Errc::untrusted));
    answer.collateral = (**tee::read_sim_trust(world.directory / "a")).collateral;
    CHECK(has(refusal(world.open(answer), Errc::untrusted), "want an SGX enclave"));
    constexpr std::int64_t twenty_years_ms = std::int64_t{20} * 365 * 86'400'000;
    const Time late{now.ms + twenty_years_ms};
    const auto expired = open_provider_answer(world.answer(), world.recipient, world.root, late);
    CHECK(has(refusal(expired, Errc::untrusted), "expired"));
  }

  TEST_CASE("a provider gives keys only to this VM as it is now")
  {
    HostWorld world;
    const auto denied = [&](const Json& params) {
      const auto answer = world.host.handle("GetSealingKey", params);
      return answer ? "answered" : answer.error().message();
    };
    const Json before = world.params();
    REQUIRE(world.tee->extend(3, crypto::sha384(as_bytes("event"))));
    CHECK(has(denied(before), "not of this VM as it is now"));
    const auto foreign = *tee::SimAuthority::open(world.directory / "b", now);
    const Bytes quote = foreign.quote(world.host.registers(), Bytes(64, 7));
    CHECK(has(denied(Json{}.set("quote", hex(quote)).set("app_id", app_id)),
              "not of the simulated TEE of this machine"));
    const Bytes low_order = world.authority.quote(world.host.registers(), Bytes(64, 0));
    CHECK(has(denied(Json{}.set("quote", hex(low_order)).set("app_id", app_id)), "of low order"));
  }

  TEST_CASE("answers without a member, or not in hex, are refused")
  {
    HostWorld world;
    const Json good = *world.host.handle("GetSealingKey", world.params());
    CHECK(parse_provider_answer(good));
    for (const char* member : {"encrypted_key", "provider_quote", "collateral"}) {
      CAPTURE(member);
      Json bad = good;
      CHECK(!parse_provider_answer(bad.set(member, Json{})));
      CHECK(!parse_provider_answer(bad.set(member, 7)));
    }
    Json bad = good;
    CHECK(!parse_provider_answer(bad.set("encrypted_key", "zz")));
  }

  TEST_CASE("the simulated TEE names no root but its own")
  {
    const auto with = [](ByteView der) {
      return tee::make_simulated([der](std::string_view, const Json&) -> Result<Json> {
        return Json{}.set("root", hex(der));
      });
    };
    CHECK(with(dcap::intel_root_der())->provider_root().error().code() == Errc::untrusted);
    CHECK(!with({})->provider_root());
  }
}

} // namespace dstack::guest
