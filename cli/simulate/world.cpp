#include "cli/simulate/world.hpp"

#include "crypto/k256.hpp"
#include "guestapi/boot_events.hpp"
#include "keys/root_keys.hpp"
#include "sys/clock.hpp"
#include "tee/sim_host.hpp"
#include "tee/sim_provider.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

constexpr std::uint64_t memory_bytes = std::uint64_t{2} << 30U;

// The published simulator's identity (spec guest 10.4, 13.4, 14.1).
constexpr const char* fixture_app_id = "5bb4ff9a3837357f19dc176407a5709c62eb6c56";
constexpr const char* fixture_k256 =
    "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d";
constexpr const char* fixture_kms_signature = "9e618603e72d01fedb82deff6daf2d62a572becf0059eec3f89c"
                                              "1ab40e1f2e594d2a283f843f34e8f39e4cc49a612496"
                                              "ce67223a12ac923f8efe330346dfc6c500";

/// No image boots here: what stands for its files says so.
measure::BootInputs nothing_booted()
{
  measure::BootInputs out;
  out.kernel = crypto::sha384(as_bytes("dstack simulate: no kernel"));
  out.initrd = crypto::sha384(as_bytes("dstack simulate: no initramfs"));
  out.cmdline = "dstack.simulate";
  out.shape = {1, memory_bytes};
  return out;
}

struct Keys {
  keys::AppKeys app{};
  std::string provider{}; ///< payload of the key-provider event
};

/// As the KMS would make them (spec guest 13.3), from roots only this machine has.
Result<Keys> kms_keys(const Secret<32>& sealed, const Secret<32>& seed, ByteView app_id)
{
  const keys::RootKeys root{TRY(keys::derive_p256(seed.view(), {"dstack-simulated-kms-ca"})),
                            keys::derive(seed.view(), {"dstack-simulated-kms"})};
  Keys out{TRY(keys::from_seed(sealed))};
  out.app.k256_key = TRY(keys::app_k256_key(root, app_id));
  const auto app_public = TRY(crypto::k256_public(out.app.k256_key));
  const auto signature = TRY(keys::sign_app_key(root, app_id, app_public));
  out.app.k256_signature = to_bytes(ByteView{signature});
  out.provider = guestapi::key_provider_payload("kms", root.ca.spki_der());
  return out;
}

Result<Keys> keys_of(const tee::SimAuthority& authority,
                     const compose::AppCompose& app,
                     const guestapi::Facts& facts,
                     bool fixture)
{
  const Secret<32> sealed = authority.sealing_key(hex(facts.app_id), hex(facts.instance_id));
  if (app.key_provider == compose::KeyProvider::kms)
    return kms_keys(sealed, authority.sealing_key("dstack-simulated-kms", ""), facts.app_id);
  Keys out{TRY(keys::from_seed(sealed)), guestapi::key_provider_payload("none", {})};
  if (app.key_provider == compose::KeyProvider::local)
    out.provider = guestapi::key_provider_payload("local-sgx", tee::sim_provider_id());
  if (fixture) {
    out.app.k256_key = Secret<32>{TRY(parse_hex_array<32>(fixture_k256))};
    out.app.k256_signature = TRY(parse_hex(fixture_kms_signature));
  }
  return out;
}

guestapi::Facts identity_of(const std::string& text, const compose::AppCompose& app, bool fixture)
{
  guestapi::Facts out;
  out.app_compose = text;
  out.app_name = app.name;
  out.public_tcbinfo = app.public_tcbinfo;
  out.simulated = true;
  const auto hash = compose::compose_hash(as_bytes(text));
  auto id = compose::app_id(hash);
  if (fixture) id = *parse_hex_array<20>(fixture_app_id);
  out.compose_hash = to_bytes(ByteView{hash});
  out.app_id = to_bytes(ByteView{id});
  if (!app.no_instance_id) {
    const auto seed = crypto::sha256(concat({as_bytes("dstack simulate:"), id}));
    const auto instance = compose::instance_id(ByteView{seed}.first(20), id);
    out.instance_id = to_bytes(ByteView{instance});
  }
  out.os_image_hash = hex(crypto::sha256(as_bytes("dstack simulate: no image")));
  codec::Json config;
  config.set("os_image_hash", out.os_image_hash)
      .set("cpu_count", 1)
      .set("memory_size", memory_bytes)
      .set("image", "dstack simulate");
  out.vm_config = codec::write_json(config);
  out.cloud_vendor = "dstack";
  out.cloud_product = "dstack simulate";
  return out;
}

/// A boot under way: each event goes into RTMR3 and into the log.
class Boot {
public:
  Boot(guestapi::Facts& facts,
       const compose::AppCompose& app,
       const measure::BootMeasurement& start)
      : facts_(facts),
        version_(app.event_log_version == 2 ? attest::EventVersion::v2 : attest::EventVersion::v1)
  {
    registers_.mrtd = start.mrtd;
    registers_.rtmr = start.rtmr;
    const Bytes config_id = attest::mr_config_id_v1(*parse_hex_array<32>(hex(facts.compose_hash)));
    std::copy(config_id.begin(), config_id.end(), registers_.mr_config_id.begin());
    facts_.log = start.events;
    for (const guestapi::BootEvent& event :
         guestapi::boot_events({facts.app_id, facts.compose_hash, facts.instance_id}, app))
      record(event.name, event.payload);
  }

  void record(const std::string& name, ByteView payload)
  {
    const attest::RuntimeEvent event{name, to_bytes(payload), version_};
    auto& runtime = registers_.rtmr[attest::runtime_register];
    attest::Register extended = attest::Register::of(runtime);
    extended.extend(attest::digest_of(event));
    runtime = extended.value();
    facts_.log.push_back(attest::to_tdx_event(event));
  }
  const attest::TdxRegisters& registers() const { return registers_; }

private:
  guestapi::Facts& facts_;
  attest::EventVersion version_;
  attest::TdxRegisters registers_;
};

/// As a VM does it between boot-mr-done and the event key-provider.
Result<Keys> keys_of_kms(const tee::SimAuthority& authority,
                         const WorldKms& kms,
                         const compose::AppCompose& app,
                         const guestapi::Facts& facts,
                         Boot& boot,
                         World& world)
{
  if (app.key_provider != compose::KeyProvider::kms)
    return fail(Errc::usage, "--kms: the app's keys come from '{}': key_provider must be kms",
                compose::name_of(app.key_provider));
  kmsclient::AppQuestion question;
  question.urls = kms.urls;
  question.pin = app.key_provider_id;
  question.app_id = facts.app_id;
  question.vm_config = facts.vm_config;
  guestapi::Evidence evidence{facts, [&](const guestapi::ReportData& data) -> Result<Bytes> {
                                return authority.quote(boot.registers(), data);
                              }};
  question.attest = [&](const kmsclient::ReportData& data) { return evidence.attestation(data); };
  auto answer =
      TRY(kmsclient::request_app_keys(question, kms.reach, sys::now()).within("app keys"));
  boot.record("os-image-hash", answer.keys.os_image_hash);
  Keys out;
  out.app.k256_key = std::move(answer.keys.k256_key);
  out.app.k256_signature = to_bytes(ByteView{answer.keys.k256_signature});
  out.provider = guestapi::key_provider_payload("kms", answer.kms.root.spki);
  world.kms = std::move(answer.kms);
  return out;
}

} // namespace

std::string fixture_app_compose()
{
  compose::BuildOptions build;
  build.name = "simulated";
  build.docker_compose_file = "services:\n  app:\n    image: dstack/simulated\n";
  return *compose::build_app_compose(build);
}

Result<World> make_world(const std::string& app_compose,
                         const sys::fs::path& tee_directory,
                         const std::optional<WorldKms>& kms)
{
  const bool fixture = app_compose.empty();
  const std::string text = fixture ? fixture_app_compose() : app_compose;
  World out;
  out.app = TRY(compose::parse_app_compose(text));
  auto authority =
      std::make_shared<tee::SimAuthority>(TRY(tee::SimAuthority::open(tee_directory, sys::now())));
  guestapi::Facts facts = identity_of(text, out.app, fixture);
  const auto before = TRY(measure::simulated_boot(
      nothing_booted(), crypto::sha384(as_bytes("dstack simulate: no firmware"))));
  Boot boot{facts, out.app, before};
  Keys keys = kms ? TRY(keys_of_kms(*authority, *kms, out.app, facts, boot, out))
                  : TRY(keys_of(*authority, out.app, facts, fixture));
  facts.key_provider = keys.provider;
  boot.record("key-provider", as_bytes(facts.key_provider));
  boot.record("storage-fs", as_bytes("ext4"));
  boot.record("system-ready", {});
  guestapi::Outside outside;
  outside.now = sys::now;
  outside.gpu_attestation = [] { return std::string{}; };
  if (kms)
    outside.sign_cert = [slot = out.sign_cert](guestapi::SigningRequest request,
                                               guestapi::OnCertificate done) {
      (*slot)(std::move(request), std::move(done));
    };
  out.guest = std::make_shared<guestapi::Guest>(
      std::move(facts),
      [authority, registers = boot.registers()](const guestapi::ReportData& data) -> Result<Bytes> {
        return authority->quote(registers, data);
      },
      std::move(keys.app), std::move(outside));
  return out;
}

} // namespace dstack::cli
