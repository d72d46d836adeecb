#pragma once
/// Pieces that making certificates and CRLs share. Not for use outside x509.

#include "x509/certificate.hpp"

namespace dstack::x509 {

void set_entry(X509_NAME* name, const char* type, const std::string& text);
Status set_public_key(X509* certificate, ByteView spki);
crypto::X509Extension make_extension(const Extension& wanted); ///< nullptr without memory
Status add_extension(X509* to, const Extension& wanted);
Status add_extension(X509_CRL* to, const Extension& wanted);
Result<Bytes> sign_to_der(X509* certificate, const crypto::P256Key& issuer);

} // namespace dstack::x509
