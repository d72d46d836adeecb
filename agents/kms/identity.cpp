#include "agents/kms/identity.hpp"

#include "attest/ratls_write.hpp"
#include "kms/certificates.hpp"

namespace dstack::kmsnode {

namespace {

/// A new key and our evidence for it.
struct Fresh {
  crypto::P256Key key = crypto::P256Key::generate();
  Attested attested{};
};

Result<Fresh> fresh_key(const GuestAgent& agent, const Prove& prove, const kms::Policy& policy)
{
  Fresh out;
  out.attested =
      TRY(attest_self(agent, prove, policy, attest::ratls_report_data(out.key.spki_der())));
  return out;
}

Result<std::shared_ptr<const kms::BootInfo>> self_of(const Attested& attested)
{
  return std::make_shared<const kms::BootInfo>(
      TRY(kms::boot_info_of_proven(*attested.proven, "", kms::Replay::whole)));
}

std::vector<x509::Extension> evidence_of(const Fresh& fresh, const IdentityRequest& request)
{
  if (!request.attested) return {};
  return {attest::attestation_extension(fresh.attested.attestation)};
}

} // namespace

Result<Attested> attest_self(const GuestAgent& agent,
                             const Prove& prove,
                             const kms::Policy& policy,
                             const ReportData& data)
{
  constexpr std::string_view what = "our own attestation";
  const Bytes blob = TRY(agent.attest(data));
  const attest::Evidence evidence = TRY(verify::evidence_of_attestation(blob).within("{}", what));
  Attested out;
  out.attestation = evidence.attestation;
  out.proven =
      std::make_shared<const verify::Proven>(TRY(prove(evidence, data, policy).within("{}", what)));
  return out;
}

Result<ServerIdentity> rpc_identity(const GuestAgent& agent,
                                    const Prove& prove,
                                    const kms::Policy& policy,
                                    const crypto::P256Key& root_ca,
                                    const IdentityRequest& request)
{
  const Fresh fresh = TRY(fresh_key(agent, prove, policy));
  const Bytes certificate =
      TRY(kms::rpc_certificate(root_ca, fresh.key.spki_der(), request.domains,
                               evidence_of(fresh, request), request.now.seconds()));
  return ServerIdentity{x509::to_pem(certificate), fresh.key.pkcs8_pem(), self_of(fresh.attested)};
}

Result<ServerIdentity> sealed_identity(const GuestAgent& agent,
                                       const Prove& prove,
                                       const kms::Policy& policy,
                                       const IdentityRequest& request)
{
  const Fresh fresh = TRY(fresh_key(agent, prove, policy));
  x509::AppCertificateSpec spec;
  spec.subject.common_name = request.domains.front();
  spec.issuer = spec.subject;
  spec.alt_names = request.domains;
  spec.not_after = request.now.seconds() + x509::default_validity;
  spec.extensions = {attest::usage_extension(usage_unseal),
                     attest::attestation_extension(fresh.attested.attestation)};
  const Bytes certificate = TRY(x509::make_app_certificate(spec, fresh.key.spki_der(), fresh.key));
  return ServerIdentity{x509::to_pem(certificate), fresh.key.pkcs8_pem(), self_of(fresh.attested)};
}

} // namespace dstack::kmsnode
