#include "gatewayclient/trust.hpp"

#include "attest/ratls.hpp"
#include "base/text.hpp"

#include <optional>

namespace dstack::gatewayclient {

namespace {

constexpr std::size_t app_id_size = 20;

/// Nothing for "any".
Result<std::optional<Bytes>> allowed(std::string_view gateway_app_id)
{
  std::string id = lower(trim(gateway_app_id));
  if (id.empty()) return fail(Errc::config, "the KMS names no gateway that may be used");
  if (id == "any") return std::optional<Bytes>{};
  if (id.starts_with("0x")) id.erase(0, 2);
  auto raw = parse_hex(id);
  if (!raw || raw->size() != app_id_size)
    return fail(Errc::config, "the KMS names '{}' as the gateway (want {} hex digits, or any)",
                printable(gateway_app_id), 2 * app_id_size);
  return std::optional<Bytes>{*std::move(raw)};
}

} // namespace

Status check_gateway_id(std::string_view gateway_app_id)
{
  TRY(allowed(gateway_app_id));
  return ok();
}

Status check_gateway(ByteView certificate_der, std::string_view gateway_app_id)
{
  const std::optional<Bytes> wanted = TRY(allowed(gateway_app_id));
  const auto marks = TRY(attest::certificate_marks(certificate_der).within("gateway certificate"));
  if (marks.app_id.size() != app_id_size)
    return fail(Errc::untrusted, "the gateway's certificate is of no app");
  if (wanted && !equal(marks.app_id, *wanted))
    return fail(Errc::untrusted, "the gateway is app {} (the KMS names {})", hex(marks.app_id),
                hex(*wanted));
  return ok();
}

} // namespace dstack::gatewayclient
