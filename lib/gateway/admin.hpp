#pragma once
/// The service Admin (spec gateway 4), as far as one node has it, and who may call it over TCP.

#include "gateway/view.hpp"
#include "http/message.hpp"
#include "rpc/prpc.hpp"

#include <functional>

namespace dstack::gateway {

/// What it does. On one thread; what takes a while calls back once, later.
struct AdminOutside {
  using Done = std::function<void(Status)>;
  std::function<View()> view{};
  /// Errc::not_found: no such instance.
  std::function<void(const std::string& instance, std::optional<route::PortPolicy>, Done)>
      set_policy{};
  std::function<void(const std::string& instance, bool drained, Done)> drain{};
  std::function<void(std::uint64_t node, bool accepting, Done)> set_accepting{};
  /// Further domains, kept in the state. Errc::not_found: none was added under that name.
  std::function<void(const DomainSettings&, Done)> add_domain{};
  std::function<void(const std::string& name, Done)> delete_domain{};
  std::function<Status(const std::string& domain)> renew{}; ///< begins; Errc::not_found
  std::function<void(const std::string& domain, Done)> set_caa{};
  std::function<Status()> reload{}; ///< settings and certificates anew
  /// Newest first.
  std::function<Result<std::vector<Attested>>(const std::string& domain)> attestations{};
  std::function<void(bool now)> exit{}; ///< at once, or when connections have ended
};

/// Outside must live as long as the service and its answers.
rpc::Service admin_service(const AdminOutside& outside);

enum class Access { granted, refused };
/// Spec gateway 5: "X-Admin-Token", "Authorization: Bearer", or Basic with the token as password
/// (or as user, without one). A wrong Bearer is final. Constant time in the token's contents.
Access admin_access(const http::Request& request, std::string_view token);
/// 401, as browsers ask for it.
http::Response admin_refusal();

} // namespace dstack::gateway
