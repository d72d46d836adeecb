#pragma once
/// The simulated TEE's host side: the supervisor of a VM plays TDX module and quoting enclave.
/// Quotes are well-formed and every signature in them verifies, under a development root that
/// this machine made for itself and whose names say "dstack SIMULATED".

#include "base/text.hpp"
#include "dcap/quote.hpp"
#include "measure/boot.hpp"
#include "sys/files.hpp"
#include "tee/sim_quote.hpp"
#include "x509/certificate.hpp"

namespace dstack::tee {

/// The development keys of this machine, below $XDG_DATA_HOME/dstack/simulated-tee (0700).
class SimAuthority {
public:
  /// Loads the keys, making them on first use; two processes may race, one set wins.
  static Result<SimAuthority> open(const std::filesystem::path& directory, Time now);

  /// A quote over header and body as a quoting enclave would make it.
  Bytes quote(const attest::TdxRegisters& registers, ByteView report_data) const;
  /// A quote over the report of an enclave beside the VM, and what verifying it takes (JSON).
  Bytes enclave_quote(const dcap::EnclaveReport& enclave) const;
  const std::string& enclave_collateral() const { return enclave_collateral_; }
  /// The quote is one of those made here.
  bool has_signed(const dcap::Quote& quote) const;
  /// The development root's certificate, DER.
  const Bytes& root() const { return root_; }
  /// HKDF of the sealing secret over app id and instance id. Simulated: the host can compute it.
  Secret<32> sealing_key(std::string_view app_id, std::string_view instance_id) const;

private:
  SimAuthority(crypto::P256Key attestation, QuoteAuth auth, Secret<32> sealing)
      : attestation_(std::move(attestation)), auth_(std::move(auth)), sealing_(std::move(sealing))
  {
  }

  static QuoteAuth
  make_auth(const crypto::P256Key& pck, const crypto::P256Key& attestation, std::string chain_pem);
  Bytes sign_quote(const Bytes& signed_part) const;

  crypto::P256Key attestation_;
  QuoteAuth auth_; ///< of every quote, but for the signature
  Secret<32> sealing_;
  Bytes root_;
  std::string enclave_collateral_;
};

/// One VM's simulated TEE: its registers, answering the guest's "Tee." requests; and the simulated
/// key provider beside it (sim_provider.hpp).
class SimTee {
public:
  SimTee(SimAuthority authority, measure::BootMeasurement boot, const Bytes& mr_config_id);

  /// The VM boots anew: RTMR3 is zero again.
  void reset();
  /// "Tee.Boot", "Tee.Extend", "Tee.Quote", "Tee.SealingKey", "Tee.Root"; anything else is
  /// Errc::unsupported.
  Result<codec::Json> handle(std::string_view method, const codec::Json& params);

  const attest::TdxRegisters& registers() const { return registers_; }
  /// Registers as JSON, for the supervisor's tee.json.
  codec::Json save() const;

private:
  SimAuthority authority_;
  measure::BootMeasurement boot_;
  attest::TdxRegisters registers_;
};

} // namespace dstack::tee
