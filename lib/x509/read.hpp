#pragma once
/// Reading certificates of any kind through OpenSSL. For Intel's chains, which are read by the
/// million, see p256_certificate.hpp.

#include "base/bytes.hpp"

#include <optional>
#include <vector>

namespace dstack::x509 {

inline constexpr std::size_t max_any_certificate = std::size_t{4} << 20U; // RA-TLS ones hold quotes

struct ReadExtension {
  std::string oid{}; ///< dotted
  Bytes value{};     ///< content of extnValue
};

struct ReadCertificate {
  Bytes spki{};          ///< SubjectPublicKeyInfo, DER
  std::string subject{}; ///< one line, safe to print
  Bytes subject_der{};   ///< the Name as it stands
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  std::vector<ReadExtension> extensions{};

  const Bytes* find(std::string_view oid) const;
};

Result<ReadCertificate> read_certificate(ByteView der);
/// The same of a version 3 certificate in DER, without OpenSSL looking at its key: ten times as
/// fast, for certificates whose key somebody else has used or will. No unique ids.
Result<ReadCertificate> outline_certificate(ByteView der);
/// DER of the first certificate in PEM text, or the DER itself.
Result<Bytes> first_certificate(ByteView text);

} // namespace dstack::x509
