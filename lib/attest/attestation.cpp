#include "attest/attestation.hpp"

#include "attest/attestation_forms.hpp"
#include "attest/msgpack.hpp"

#include <algorithm>

namespace dstack::attest {

namespace {

constexpr std::array<std::string_view, 5> variant_names{
    "dstack-tdx", "dstack-gcp-tdx", "dstack-nitro-enclave", "dstack-amd-sev-snp",
    "dstack-aws-nitro-tpm"};

} // namespace

Result<std::optional<Sha384Digest>> digest_from(ByteView raw)
{
  if (raw.empty()) return std::optional<Sha384Digest>{};
  Sha384Digest out{};
  if (raw.size() != out.size())
    return fail(Errc::malformed, "event digest of {} bytes (want 48)", raw.size());
  std::copy(raw.begin(), raw.end(), out.begin());
  return std::optional<Sha384Digest>{out};
}

Status check_event(const TdxEvent& event)
{
  if (event.imr > 3) return fail(Errc::malformed, "event for register {} (want 0 to 3)", event.imr);
  return ok();
}

std::string_view name_of(Platform platform)
{
  return variant_names.at(static_cast<std::size_t>(platform));
}

Result<Attestation> parse_attestation(ByteView raw)
{
  if (raw.size() > max_attestation)
    return fail(Errc::malformed, "attestation of {} bytes (limit {})", raw.size(), max_attestation);
  if (raw.empty()) return fail(Errc::malformed, "empty attestation");
  if (raw[0] == 0) return parse_v0(raw).within("attestation V0");
  if (MsgpackReader::starts_map(raw[0])) return parse_v1(raw).within("attestation V1");
  return fail(Errc::malformed, "attestation starts with {:#04x} (want 00 or a MessagePack map)",
              raw[0]);
}

Bytes encode(const Attestation& attestation)
{
  DSTACK_ASSERT(attestation.platform == Platform::tdx ||
                attestation.platform == Platform::amd_sev_snp);
  const auto& events = attestation.runtime_events;
  const bool plain =
      !attestation.app_data && std::all_of(events.begin(), events.end(), [](const RuntimeEvent& e) {
        return e.version == EventVersion::v1;
      });
  return plain ? encode_v0(attestation) : encode_v1(attestation);
}

Result<std::string> vm_config_of(const Attestation& attestation)
{
  if (attestation.config.empty()) return std::string{"{}"};
  const codec::Json json = TRY(codec::parse_json(attestation.config).within("config"));
  const codec::Json* inner = json.find("vm_config");
  if (inner == nullptr || !inner->is_string()) return attestation.config;
  return inner->text().empty() ? std::string{"{}"} : inner->text();
}

} // namespace dstack::attest
