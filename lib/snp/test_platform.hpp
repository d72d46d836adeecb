#pragma once
/// For tests: an AMD-like hierarchy with keys of its own, chips and the reports they sign.

#include "snp/verify.hpp"

namespace dstack::snp::testing {

inline constexpr std::int64_t start = 1'700'000'000; ///< certificates are valid from here
inline constexpr std::int64_t year = 31'536'000;
inline constexpr std::int64_t now = start + 1000;

struct Wanted {
  Product product = Product::milan;
  std::string product_name = "Milan-B0";
  Tcb certified{4, 0, 23, 213, {}};
  Bytes hwid = Bytes(64, 0xc1);
  bool hwid_wrapped = false; ///< in an OCTET STRING
  std::int64_t authority_not_after = start + year; ///< of ARK and ASK
  std::int64_t vcek_not_after = start + year;
  std::string vcek_name = "SEV-VCEK";
  bool vcek_p256 = false;
  bool vcek_by_other_key = false; ///< signed with the ARK's key in the ASK's name
  bool ask_is_ca = true;
  bool pss = true; ///< else PKCS #1 v1.5
  bool revoke_ask = false;
  std::int64_t crl_not_after = start + year;
};

/// Report fields before signing, over a good report for Wanted{}.
Bytes unsigned_report();
void put(Bytes& report, std::size_t offset, ByteView value);

struct Platform {
  Certificates certificates{};
  std::vector<Anchor> anchors{};
  /// With a signature by the VCEK's key.
  Bytes sign(Bytes report) const;
};
Platform make_platform(const Wanted& wanted);

} // namespace dstack::snp::testing
