#include "guestapi/boot_events.hpp"

#include "crypto/hash.hpp"

namespace dstack::guestapi {

std::vector<BootEvent> boot_events(const BootIdentity& identity, const compose::AppCompose& app)
{
  std::vector<BootEvent> out;
  out.push_back({"system-preparing", {}});
  out.push_back({"app-id", identity.app_id});
  out.push_back({"compose-hash", identity.compose_hash});
  for (const std::string& script : app.init_script) {
    const auto digest = crypto::sha256(as_bytes(script));
    out.push_back({"init-script-hash", to_bytes(ByteView{digest})});
  }
  const auto policy = compose::gpu_policy_hash(app);
  out.push_back({"gpu-policy-hash", to_bytes(ByteView{policy})});
  out.push_back({"instance-id", identity.instance_id});
  out.push_back({"boot-mr-done", {}});
  return out;
}

std::string key_provider_payload(std::string_view name, ByteView id)
{
  codec::Json out;
  out.set("name", name).set("id", hex(id));
  return codec::write_json(out);
}

} // namespace dstack::guestapi
