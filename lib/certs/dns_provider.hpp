#pragma once
/// Changing records of DNS zones by whatever way an operator has.

#include "acme/caa.hpp"
#include "certs/settings.hpp"
#include "certs/world.hpp"

namespace dstack::certs {

using RecordData = std::variant<std::string, acme::CaaRecord>; ///< TXT or CAA
enum class RecordType { txt, caa };

/// Calls take a while; each has a bound. One thread at a time.
class DnsProvider {
public:
  virtual ~DnsProvider() = default;
  virtual Result<std::vector<RecordData>> list(RecordType type, const std::string& name) = 0;
  /// Beside what is there. That it is there already is success.
  virtual Status add(const std::string& name, const RecordData& data) = 0;
  /// That it is not there is success.
  virtual Status remove(const std::string& name, const RecordData& data) = 0;
};

/// Errc::config for settings that cannot work.
Result<std::unique_ptr<DnsProvider>> make_dns_provider(const DnsSettings& settings, World world);

/// Takes away what may be an answer to a challenge at that name.
Status remove_leftovers(DnsProvider& provider, const std::string& name);

} // namespace dstack::certs
