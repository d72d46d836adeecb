#include "dcap/anchor.hpp"

#include "base/text.hpp"

namespace dstack::dcap {

namespace {

constexpr std::string_view root_suffix = " SGX Root CA";

/// Intel SGX Root CA, SHA-256 44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3
/// (spec verify 5.2); published at certificates.trustedservices.intel.com.
constexpr std::string_view intel_root_hex =
    "3082028f30820234a003020102021422650cd65a9d3489f383b49552bf501b392706ac300a06082a8648ce3d04"
    "03023068311a301806035504030c11496e74656c2053475820526f6f74204341311a3018060355040a0c11496e"
    "74656c20436f72706f726174696f6e3114301206035504070c0b53616e746120436c617261310b300906035504"
    "080c024341310b3009060355040613025553301e170d3138303532313130343531305a170d3439313233313233"
    "353935395a3068311a301806035504030c11496e74656c2053475820526f6f74204341311a3018060355040a0c"
    "11496e74656c20436f72706f726174696f6e3114301206035504070c0b53616e746120436c617261310b300906"
    "035504080c024341310b30090603550406130255533059301306072a8648ce3d020106082a8648ce3d03010703"
    "4200040ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860b"
    "d0cc4ee26aacc988e505a953558c453f6b0904ae7394a381bb3081b8301f0603551d2304183016801422650cd6"
    "5a9d3489f383b49552bf501b392706ac30520603551d1f044b30493047a045a043864168747470733a2f2f6365"
    "727469666963617465732e7472757374656473657276696365732e696e74656c2e636f6d2f496e74656c534758"
    "526f6f7443412e646572301d0603551d0e0416041422650cd65a9d3489f383b49552bf501b392706ac300e0603"
    "551d0f0101ff04040302010630120603551d130101ff040830060101ff020101300a06082a8648ce3d04030203"
    "49003046022100e5bfe50911f92f428920dc368a302ee3d12ec5867ff622ec6497f78060c13c20022100e09d25"
    "ac7a0cb3e5e8e68fec5fa3bd416c47440bd950639d450edcbea4576aa2";

} // namespace

ByteView intel_root_der()
{
  static const Bytes der = *parse_hex(intel_root_hex);
  return der;
}

Anchor::Anchor(std::shared_ptr<const Bytes> der, x509::P256Certificate view, crypto::P256Public key)
    : der_(std::move(der)), certificate_(std::move(view)), key_(std::move(key))
{
  const std::string_view name = x509::common_name(certificate_.subject);
  vendor_ = name.substr(0, name.size() - root_suffix.size());
}

Result<Anchor> Anchor::from_der(Bytes der)
{
  auto kept = std::make_shared<const Bytes>(std::move(der));
  x509::P256Certificate view = TRY(x509::parse_p256_certificate(*kept));
  const std::string_view name = x509::common_name(view.subject);
  if (!name.ends_with(root_suffix))
    return fail(Errc::malformed, "root named '{}' (want '…{}')", printable(name), root_suffix);
  if (!view.is_ca || !equal(view.issuer, view.subject))
    return fail(Errc::malformed, "not a self-signed CA certificate");
  crypto::P256Public key = TRY(crypto::P256Public::from_xy(view.public_xy));
  return Anchor{std::move(kept), std::move(view), std::move(key)};
}

const Anchor& Anchor::intel()
{
  static const Anchor anchor = *from_der(to_bytes(intel_root_der()));
  return anchor;
}

Result<Anchor> Anchor::from_file(ByteView text)
{
  constexpr std::uint8_t der_sequence = 0x30;
  if (!text.empty() && text[0] == der_sequence)
    return from_der(to_bytes(text)).within("root certificate");
  auto all = TRY(x509::certificates_of_pem(as_text(text), 1).within("root certificate"));
  return from_der(std::move(all[0])).within("root certificate");
}

} // namespace dstack::dcap
