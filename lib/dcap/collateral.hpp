#pragma once
/// What Intel publishes for judging a quote, as one set (spec verify 8: the JSON object that
/// dcap-qvl reads and writes).

#include "base/bytes.hpp"

#include <array>
#include <string>

namespace dstack::dcap {

inline constexpr std::size_t max_collateral = std::size_t{4} << 20U;

struct Collateral {
  std::string tcb_info{};                 ///< the signed text itself
  std::string qe_identity{};              ///< the signed text itself
  Bytes tcb_info_signature{};             ///< r || s
  Bytes qe_identity_signature{};          ///< r || s
  std::string tcb_info_issuer_chain{};    ///< PEM, signer and root
  std::string qe_identity_issuer_chain{}; ///< PEM, signer and root
  std::string pck_crl_issuer_chain{};     ///< PEM; kept, never trusted
  std::string pck_certificate_chain{};    ///< PEM, for quotes that carry no chain; may be empty
  Bytes root_ca_crl{};                    ///< DER
  Bytes pck_crl{};                        ///< DER

  bool operator==(const Collateral&) const = default;
};

/// A set that no longer changes, with the SHA-256 of what a verdict depends on: computed once,
/// however many quotes are judged with it.
class HashedCollateral {
public:
  using Digest = std::array<std::uint8_t, 32>;

  explicit HashedCollateral(Collateral set) : set_(std::move(set)), digest_(digest_of(set_)) {}

  const Collateral& set() const { return set_; }
  const Digest& digest() const { return digest_; }
  /// Every part with its length, so that no two sets give the same text.
  static Digest digest_of(const Collateral& set);

private:
  Collateral set_;
  Digest digest_;
};

/// CRLs and signatures may be hex or arrays of numbers, CRLs also PEM. Nothing is verified here.
Result<Collateral> collateral_from_json(std::string_view text);
std::string to_json_text(const Collateral& collateral);

/// A CRL as services answer it: DER, hex of DER, or PEM.
Result<Bytes> crl_to_der(ByteView answer);

} // namespace dstack::dcap
