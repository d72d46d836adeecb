#include "attest/identity.hpp"

#include "base/text.hpp"
#include "crypto/keccak.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

using codec::Json;

constexpr std::size_t app_id_size = 20;
constexpr std::size_t hash_size = 32;
constexpr std::size_t max_init_scripts = 5; // spec kms 8.2
constexpr std::string_view last_event = "system-ready";
constexpr std::string_view boot_event = "boot-mr-done";

/// Events of which there may be one at most before system-ready.
constexpr std::array<std::string_view, 9> single_events{
    "app-id",        "compose-hash", "gpu-policy-hash", "instance-id", boot_event,
    "os-image-hash", "key-provider", "storage-fs",      "mr-kms"};

Status want_size(const RuntimeEvent& event, std::size_t size)
{
  if (event.payload.size() == size) return ok();
  return fail(Errc::untrusted, "event '{}' has {} bytes (want {})", event.name,
              event.payload.size(), size);
}

Status read_key_provider(const RuntimeEvent& event, Identity& out)
{
  out.key_provider = event.payload;
  const Json json = TRY(codec::parse_json(as_text(event.payload)));
  out.key_provider_name = TRY(json.need_string("name"));
  out.key_provider_id = lower(TRY(json.get_string("id", "")));
  return ok();
}

Status read_event(const RuntimeEvent& event, Identity& out)
{
  if (event.name == "app-id") {
    TRY(want_size(event, app_id_size));
    out.app_id = event.payload;
  } else if (event.name == "compose-hash") {
    TRY(want_size(event, hash_size));
    out.compose_hash = event.payload;
  } else if (event.name == "instance-id") {
    if (!event.payload.empty()) TRY(want_size(event, app_id_size));
    out.instance_id = event.payload;
  } else if (event.name == "os-image-hash") {
    if (!event.payload.empty()) TRY(want_size(event, hash_size));
    out.os_image_hash = event.payload;
  } else if (event.name == "gpu-policy-hash") {
    TRY(want_size(event, hash_size));
    out.gpu_policy_hash = event.payload;
  } else if (event.name == "init-script-hash") {
    TRY(want_size(event, hash_size));
    if (out.init_script_hashes.size() == max_init_scripts)
      return fail(Errc::untrusted, "more than {} init-script-hash events", max_init_scripts);
    out.init_script_hashes.push_back(event.payload);
  } else if (event.name == "key-provider") {
    return read_key_provider(event, out).within("event 'key-provider'");
  } else if (event.name == "storage-fs") {
    out.storage_fs = printable(as_text(event.payload));
  } else if (event.name == boot_event) {
    out.booted = true;
  }
  return ok();
}

bool is_single(const std::string& name)
{
  return std::find(single_events.begin(), single_events.end(), name) != single_events.end();
}

Result<Bytes> hex_member(const Json& json, std::string_view key, std::size_t size)
{
  const Bytes raw = TRY(parse_hex(TRY(json.get_string(key, ""))).within("{}", key));
  if (!raw.empty() && raw.size() != size)
    return fail(Errc::untrusted, "{} has {} bytes (want {})", key, raw.size(), size);
  return raw;
}

Status check_document_keys(const Json& json)
{
  constexpr std::array<std::string_view, 8> known{
      "app_id",      "compose_hash", "gpu_policy_hash", "init_script_hashes",
      "instance_id", "key_provider", "key_provider_id", "version"};
  if (!json.is_object()) return fail(Errc::malformed, "not a JSON object");
  for (const auto& [key, value] : json.members())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(Errc::untrusted, "unknown key '{}'", printable(key));
  if (TRY(json.get_u64("version", 3)) != 3) return fail(Errc::unsupported, "version (want 3)");
  return ok();
}

/// A document and which of its lists it states: an empty one says that there are none.
struct Document {
  Identity identity{};
  bool states_init_scripts = false;
};

Status read_init_scripts(const Json& json, Document& out)
{
  const Json* list = json.find("init_script_hashes");
  if (list == nullptr || list->is_null()) return ok();
  out.states_init_scripts = true;
  for (const std::string& text : TRY(json.get_strings("init_script_hashes"))) {
    const auto hash = TRY(parse_hex_array<hash_size>(text).within("init_script_hashes"));
    out.identity.init_script_hashes.push_back(to_bytes(ByteView{hash}));
  }
  if (out.identity.init_script_hashes.size() > max_init_scripts)
    return fail(Errc::untrusted, "more than {} init_script_hashes", max_init_scripts);
  return ok();
}

/// Names as the key-provider event has them (spec kms 9.2).
Status read_provider(const Json& json, Identity& out)
{
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> providers{
      {{"none", "none"}, {"kms", "kms"}, {"local", "local-sgx"}, {"tpm", "tpm"}}};
  const std::string name = TRY(json.need_string("key_provider"));
  const auto* const found = std::find_if(providers.begin(), providers.end(),
                                         [&](const auto& one) { return one.first == name; });
  if (found == providers.end())
    return fail(Errc::untrusted, "key_provider '{}' (want none, kms, local or tpm)",
                printable(name));
  out.key_provider_name = found->second;
  const Bytes id =
      TRY(parse_hex(TRY(json.get_string("key_provider_id", ""))).within("key_provider_id"));
  out.key_provider_id = hex(id);
  out.key_provider = to_bytes(codec::write_json(
      Json::object().set("name", out.key_provider_name).set("id", out.key_provider_id)));
  return ok();
}

Result<Document> read_document(std::string_view document)
{
  const Json json = TRY(codec::parse_json(document));
  TRY(check_document_keys(json));
  Document out;
  out.identity.app_id = TRY(hex_member(json, "app_id", app_id_size));
  out.identity.compose_hash = TRY(hex_member(json, "compose_hash", hash_size));
  if (out.identity.compose_hash.empty()) return fail(Errc::untrusted, "no compose_hash");
  out.identity.instance_id = TRY(hex_member(json, "instance_id", app_id_size));
  out.identity.gpu_policy_hash = TRY(hex_member(json, "gpu_policy_hash", hash_size));
  TRY(read_init_scripts(json, out));
  TRY(read_provider(json, out.identity));
  out.identity.booted = true;
  return out;
}

/// What the document states is what was measured; before its event, no key provider was.
bool agrees(const Document& document, const Identity& measured)
{
  const Identity& stated = document.identity;
  const auto same = [](const Bytes& want, const Bytes& seen) {
    return want.empty() || want == seen;
  };
  const bool provider =
      measured.key_provider.empty() ||
      (stated.key_provider_name == measured.key_provider_name &&
       (stated.key_provider_id.empty() || stated.key_provider_id == measured.key_provider_id));
  const bool scripts =
      !document.states_init_scripts || stated.init_script_hashes == measured.init_script_hashes;
  return provider && scripts && same(stated.app_id, measured.app_id) &&
         same(stated.compose_hash, measured.compose_hash) &&
         same(stated.instance_id, measured.instance_id) &&
         same(stated.gpu_policy_hash, measured.gpu_policy_hash);
}

} // namespace

std::vector<RuntimeEvent> runtime_events_of(const std::vector<TdxEvent>& log)
{
  std::vector<RuntimeEvent> out;
  for (const TdxEvent& event : log)
    if (event.imr == runtime_register && event.type == runtime_event_type)
      out.push_back({event.name, event.payload, event.version});
  return out;
}

Result<Identity> identity_of(const std::vector<RuntimeEvent>& events)
{
  Identity out;
  std::vector<std::string> seen;
  for (const RuntimeEvent& event : events) {
    if (event.name == last_event) break;
    if (event.version == EventVersion::v1 && event.name.find(':') != std::string::npos)
      return fail(Errc::untrusted, "event '{}' has a colon in its name", printable(event.name));
    if (is_single(event.name)) {
      if (std::find(seen.begin(), seen.end(), event.name) != seen.end())
        return fail(Errc::untrusted, "event '{}' is in the log twice", event.name);
      seen.push_back(event.name);
    }
    TRY(read_event(event, out));
  }
  if (out.app_id.empty()) return fail(Errc::untrusted, "the event log has no 'app-id'");
  if (out.compose_hash.empty()) return fail(Errc::untrusted, "the event log has no 'compose-hash'");
  return out;
}

Sha384Digest replay_boot(const std::vector<RuntimeEvent>& events)
{
  Register value;
  for (const RuntimeEvent& event : events) {
    value.extend(digest_of(event));
    if (event.name == boot_event) break;
  }
  return value.value();
}

Sha256Digest mr_config_v3_hash(std::string_view document)
{
  constexpr std::array<std::uint8_t, 1> separator{0};
  return crypto::sha256(concat({as_bytes("dstack-mr-config-v3:"), separator, as_bytes(document)}));
}

Bytes mr_config_id_v3(std::string_view document)
{
  constexpr std::size_t padding = 15;
  return ByteWriter{}.u8(3).put(mr_config_v3_hash(document)).zeros(padding).take();
}

Result<std::string> mr_config_of(const Attestation& attestation)
{
  if (!attestation.mr_config.empty() || attestation.config.empty()) return attestation.mr_config;
  const Json outer = TRY(codec::parse_json(attestation.config).within("config"));
  const std::string document = TRY(outer.get_string("mr_config", "").within("config"));
  if (!document.empty()) return document;
  const std::string inner = TRY(vm_config_of(attestation));
  return TRY(codec::parse_json(inner).within("vm_config")).get_string("mr_config", "");
}

Result<Identity> identity_of_mr_config(std::string_view document)
{
  auto read = TRY(read_document(document).within("MR_CONFIG document"));
  // Its keys would be those of every such app.
  if (read.identity.app_id.empty()) return fail(Errc::untrusted, "MR_CONFIG document: no app_id");
  return std::move(read.identity);
}

Result<Bytes> mr_config_id_v2(const Identity& identity)
{
  constexpr std::array<std::string_view, 4> kinds = {"none", "local-sgx", "kms", "tpm"};
  const auto kind = std::find(kinds.begin(), kinds.end(), identity.key_provider_name);
  if (kind == kinds.end())
    return fail(Errc::unsupported, "key provider '{}'", printable(identity.key_provider_name));
  const std::uint8_t number = static_cast<std::uint8_t>(kind - kinds.begin());
  const Bytes provider = TRY(parse_hex(identity.key_provider_id).within("key provider id"));
  const auto hash = crypto::keccak256(
      concat({identity.compose_hash, identity.app_id, ByteView{&number, 1}, provider}));
  constexpr std::size_t padding = 15;
  return ByteWriter{}.u8(2).put(hash).zeros(padding).take();
}

ConfigIdMatch match_config_id(ByteView mr_config_id,
                              const Identity& identity,
                              std::string_view mr_config_document)
{
  DSTACK_ASSERT(mr_config_id.size() == sizeof(Sha384Digest));
  const bool unset = std::all_of(mr_config_id.begin(), mr_config_id.end(),
                                 [](std::uint8_t byte) { return byte == 0; });
  if (unset) return ConfigIdMatch::unset;
  constexpr std::size_t used = 33; // the rest is zero in every version
  const bool padded = std::all_of(mr_config_id.begin() + used, mr_config_id.end(),
                                  [](std::uint8_t byte) { return byte == 0; });
  if (!padded || mr_config_id[0] == 0 || mr_config_id[0] > 3) return ConfigIdMatch::differs;
  const ByteView hash = mr_config_id.subspan(1, used - 1);
  if (mr_config_id[0] == 1)
    return equal(hash, identity.compose_hash) ? ConfigIdMatch::matches : ConfigIdMatch::differs;
  if (mr_config_id[0] == 2) {
    const auto own = mr_config_id_v2(identity);
    return own && equal(*own, mr_config_id) ? ConfigIdMatch::matches : ConfigIdMatch::differs;
  }
  if (mr_config_document.empty()) return ConfigIdMatch::unreadable;
  const auto document = read_document(mr_config_document);
  const bool good =
      equal(hash, mr_config_v3_hash(mr_config_document)) && document && agrees(*document, identity);
  return good ? ConfigIdMatch::matches : ConfigIdMatch::differs;
}

} // namespace dstack::attest
