#pragma once
/// Who calls, by the certificate of the TLS connection. That it chains to the KMS' root has been
/// checked by whoever accepted it (spec gateway 2, 7).

#include "attest/app_info.hpp"
#include "attest/evidence.hpp"
#include "verify/proven.hpp"

#include <functional>

namespace dstack::gateway {

/// What a certificate says, before any evidence in it has been looked into.
struct Claim {
  Bytes app_id{};                            ///< set by the KMS; empty without
  std::optional<attest::AppInfo> app_info{}; ///< set by the KMS
  std::optional<attest::Evidence> evidence{};
  Bytes spki{};
};
/// Errc::denied when its parts contradict each other; Errc::malformed. Empty: nobody in particular.
Result<Claim> read_claim(ByteView certificate_der);

struct Caller {
  Bytes app_id{};
  std::optional<attest::AppInfo> app{}; ///< absent: nobody who may register
};
/// A trusted verdict on evidence for this report data. Takes its time.
using Prove =
    std::function<Result<verify::Proven>(const attest::Evidence&, const verify::BoundData&)>;
/// Evidence that does not hold fails the call, whatever it is for; so does one of another app.
Result<Caller> identify(const Claim& claim, const Prove& prove);

} // namespace dstack::gateway
