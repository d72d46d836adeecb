#include "guest/app_seed.hpp"

#include "crypto/random.hpp"
#include "guestapi/boot_events.hpp"

namespace dstack::guest {

namespace {

Status check_pin(const compose::AppCompose& app, ByteView provider)
{
  if (app.key_provider_id.empty() || equal(app.key_provider_id, provider)) return ok();
  return fail(Errc::denied, "key_provider_id: the key provider is '{}' (the app wants {})",
              hex(provider), hex(app.key_provider_id));
}

Result<AppSeed> local_seed(tee::Tee& tee,
                           const tee::HostCall& host,
                           const compose::AppCompose& app,
                           const Identity& identity,
                           Time now)
{
  LocalKey key =
      TRY(request_local_key(tee, host, hex(identity.app_id), hex(identity.instance_id), now));
  TRY(check_pin(app, key.mr_enclave));
  return AppSeed{std::move(key.seed), SeedLife::returns,
                 guestapi::key_provider_payload("local-sgx", key.mr_enclave)};
}

} // namespace

Result<AppSeed> obtain_seed(tee::Tee& tee,
                            const tee::HostCall& host,
                            const compose::AppCompose& app,
                            const Identity& identity,
                            Time now)
{
  if (app.key_provider == compose::KeyProvider::local)
    return local_seed(tee, host, app, identity, now);
  if (app.key_provider != compose::KeyProvider::none)
    return fail(Errc::unsupported, "{}: keys from {} cannot be had yet", app.key_provider_field,
                name_of(app.key_provider));
  TRY(check_pin(app, {}));
  AppSeed out;
  out.provider = guestapi::key_provider_payload("none", {});
  const auto kept = TRY(tee.sealing_key(hex(identity.app_id), hex(identity.instance_id)));
  if (kept) {
    out.seed = *kept;
    out.life = SeedLife::returns;
  } else {
    crypto::random_bytes(out.seed.mutable_view());
  }
  return out;
}

} // namespace dstack::guest
