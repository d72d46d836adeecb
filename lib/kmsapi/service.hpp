#pragma once
/// The KMS' RPCs (spec kms 2): every check in its published order, with the published words. Policy
/// first, then the image, then the gate; keys exist in memory only after all three, and the audit
/// log has the decision before they leave.

#include "attest/csr.hpp"
#include "kmsapi/state.hpp"
#include "rpc/prpc.hpp"

namespace dstack::kmsapi {

/// For one request: of all methods it has this one. Outside and arrangement must live until it is
/// answered.
rpc::Service service_for(const Outside& outside,
                         const Arrangement& arrangement,
                         std::shared_ptr<const State> state,
                         Caller caller,
                         std::string_view method);

/// One request of one caller: the methods behind the service.
class Call {
public:
  Call(const Outside& outside,
       const Arrangement& arrangement,
       std::shared_ptr<const State> state,
       Caller caller);

  Result<codec::Json> get_app_key(const codec::Json& params) const;
  Result<codec::Json> get_kms_key(const codec::Json& params) const;
  Result<codec::Json> get_app_env_encrypt_pub_key(const codec::Json& params) const;
  Result<codec::Json> get_meta() const;
  Result<codec::Json> get_temp_ca_cert() const;
  Result<codec::Json> sign_cert(const codec::Json& params) const;
  /// Ours: a share that another KMS left here for the time after its restart.
  Result<codec::Json> release_share(const codec::Json& params) const;

private:
  struct Granted {
    kms::BootInfo info{};
    kms::Decision decision{};
  };
  /// Whom a decision is about, and for what.
  struct Matter {
    std::string_view event;
    kms::Role role = kms::Role::app;
    const verify::Proven* proven = nullptr;
    std::string vm_config{};
    kms::Replay replay = kms::Replay::whole;
  };

  Status self_authorized() const;
  /// The same for a request that wants keys: a refusal is written down.
  Status admitted(std::string_view event) const;
  /// The caller may have what the role gets; either way the decision is written down.
  Result<Granted> judge(const Matter& matter) const;
  Result<Granted> weigh(const Matter& matter, kms::AuditRecord& record) const;
  Result<const verify::Proven*> attested(kms::Role role) const;
  Status gate(const kms::BootInfo& info) const;
  kms::AuditRecord record_of(std::string_view event) const;
  Status write_down(const kms::AuditRecord& record) const;
  /// What a request for a certificate proves by itself.
  struct Applicant {
    attest::Attestation attestation{};
    verify::Proven proven{};
  };
  Result<Applicant> prove_request(const attest::Csr& csr) const;
  Result<std::vector<std::string>> issue(const attest::Csr& csr,
                                         const Applicant& applicant,
                                         const Granted& granted,
                                         std::string_view vm_config) const;

  const vault::OpenRoot& root() const { return *state_->root; }
  std::string root_ca_pem() const;

  const Outside& outside_;
  const Arrangement& arrangement_;
  std::shared_ptr<const State> state_;
  Caller caller_;
};

} // namespace dstack::kmsapi
