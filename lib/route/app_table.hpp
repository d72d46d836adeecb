#pragma once
/// Which app a connection is for: an immutable table, replaced as a whole, and the route of a hello
/// through it.

#include "route/app_name.hpp"
#include "route/client_hello.hpp"
#include "route/custom_domain.hpp"
#include "route/ip.hpp"
#include "route/port_policy.hpp"

#include <memory>
#include <unordered_map>

namespace dstack::route {

/// One registered VM.
struct InstanceRecord {
  std::string id{};
  std::string app_id{};
  Address address{};
  InstancePolicies policies{};
};

class AppTable {
public:
  AppTable() = default;
  /// Of two records with one id the first counts.
  explicit AppTable(std::vector<InstanceRecord> records);
  AppTable(const AppTable&) = delete; ///< its keys point into its records
  AppTable& operator=(const AppTable&) = delete;
  AppTable(AppTable&&) noexcept = default;
  AppTable& operator=(AppTable&&) noexcept = default;
  ~AppTable() = default;

  enum class MatchKind { instance, app };
  struct Match {
    MatchKind kind = MatchKind::app;
    std::vector<std::uint32_t> members{}; ///< indexes for at()
  };
  /// An instance of that id, else the instances of the app of that id, else nullptr.
  const Match* find(std::string_view id) const;
  const InstanceRecord& at(std::uint32_t index) const { return records_.at(index); }
  std::size_t size() const { return records_.size(); }

private:
  std::vector<InstanceRecord> records_{};
  std::unordered_map<std::string_view, Match> by_id_{};
};

/// Why a connection is not passed on, for counters and logs.
enum class RefusedFor {
  no_name,         ///< the client named no host, or an address
  bad_label,       ///< below a domain of ours, but not a name of an app
  unknown_app,     ///< nothing of that id is registered
  built_in_port,   ///< the gateway's own pages on another port
  port_closed,     ///< by the app's port policy
  policy_unknown,  ///< of the app's port policy nothing is known yet
  over_limit,      ///< as many connections as an app may have
  no_txt_record,   ///< a custom domain without (or with a malformed) TXT record
  resolver_failed, ///< the TXT records could not be asked for
  unreachable      ///< no instance took the connection
};
std::string_view name_of(RefusedFor why);
/// What the client is told, when TLS is still to come.
Alert alert_of(RefusedFor why);

struct RouteSettings {
  std::vector<std::string> domains{}; ///< lower case, with or without a certificate at hand
};

/// The gateway itself answers, always over HTTP/1.1.
struct ToBuiltIn {
  enum class Page { gateway, health } page = Page::gateway;
  std::string domain{};
};
struct ToApp {
  AppLabel label{};
  std::string domain{}; ///< whose certificate ends TLS; empty: a custom domain, passed through
  const AppTable::Match* match = nullptr; ///< of the table that was asked
};
/// TLS is passed through to what the TXT records say.
struct ToCustomDomain {
  std::string host{};
};
struct Refusal {
  RefusedFor why = RefusedFor::no_name;
  std::string text{};
};
using Route = std::variant<ToBuiltIn, ToApp, ToCustomDomain, Refusal>;

Route route_of(const Hello& hello, const RouteSettings& settings, const AppTable& table);
/// The route once the TXT records of a custom domain are known.
Route route_of(const CustomTarget& target, const AppTable& table);

} // namespace dstack::route
