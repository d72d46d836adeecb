#pragma once
/// A guest for tests: fixed identity, quotes that nobody signed.

#include "crypto/hash.hpp"
#include "dcap/quote.hpp"
#include "guestapi/guest.hpp"

namespace dstack::guestapi::test {

constexpr const char* k256 = "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d";

/// A quote with report data in it and zeros for everything that is measured or signed.
inline Result<Bytes> fake_quote(const ReportData& data)
{
  ByteWriter out;
  out.u16le(4).u16le(2).u32le(0x81).zeros(4);
  out.put(dcap::intel_qe_vendor_id).zeros(20);
  out.zeros(dcap::td10_size - data.size()).put(data);
  ByteWriter inner;
  inner.zeros(384 + 64).u16le(0).u16le(5).u32le(0);
  const Bytes certification = inner.take();
  ByteWriter tail;
  tail.zeros(128).u16le(6).u32le(static_cast<std::uint32_t>(certification.size()));
  tail.put(certification);
  const Bytes whole = tail.take();
  return out.u32le(static_cast<std::uint32_t>(whole.size())).put(whole).take();
}

inline Facts facts(attest::EventVersion version = attest::EventVersion::v1)
{
  Facts out;
  out.app_compose = R"({"name":"demo"})";
  out.app_name = "demo";
  out.app_id = *parse_hex("5bb4ff9a3837357f19dc176407a5709c62eb6c56");
  out.compose_hash = Bytes(32, 2);
  out.instance_id = Bytes(20, 3);
  out.os_image_hash = std::string(64, '4');
  out.vm_config = R"({"os_image_hash":"4444"})";
  out.key_provider = R"({"name":"none","id":""})";
  out.log = {{0, 10, attest::Sha384Digest{}, "acpi-loader", to_bytes("ACPI DATA")},
             {1, 3, attest::Sha384Digest{}, "", Bytes(64, 9)}};
  for (const auto& [name, payload] :
       {std::pair{"app-id", out.app_id}, std::pair{"compose-hash", out.compose_hash},
        std::pair{"instance-id", out.instance_id}})
    out.log.push_back(attest::to_tdx_event({name, payload, version}));
  return out;
}

inline std::shared_ptr<Guest> guest(Facts with = facts())
{
  keys::AppKeys app_keys = *keys::from_seed(Secret<32>{crypto::sha256(as_bytes("seed"))});
  app_keys.k256_key = Secret<32>{*parse_hex_array<32>(k256)};
  Outside outside;
  outside.now = [] { return Time{1'767'225'600'000}; };
  outside.gpu_attestation = [] { return std::string{"gpu"}; };
  return std::make_shared<Guest>(std::move(with), fake_quote, std::move(app_keys), outside);
}

} // namespace dstack::guestapi::test
