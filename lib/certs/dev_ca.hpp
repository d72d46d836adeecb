#pragma once
/// A certificate authority of one's own, for development.

#include "certs/settings.hpp"

namespace dstack::certs {

class DevCa {
public:
  /// The one in the directory; without one it is made there, for ten years. Its name says what it
  /// is, and a part of its key's hash.
  static Result<DevCa> open(const std::string& directory, Time now);

  /// With a key of its own, for 90 days.
  Result<Certificate> issue(const Domain& domain, Time now) const;
  bool has_issued(std::string_view chain_pem) const;
  const std::string& certificate_file() const { return file_; } ///< PEM: for whoever trusts it

private:
  DevCa(crypto::P256Key key, std::string file);

  crypto::P256Key key_;
  std::string file_;
  std::string name_;
};
/// Whether any development authority made it.
bool is_development(std::string_view chain_pem);

} // namespace dstack::certs
