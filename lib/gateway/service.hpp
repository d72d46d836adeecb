#pragma once
/// The service Gateway (spec gateway 3): what VMs and other gateways ask.

#include "gateway/caller.hpp"
#include "gateway/view.hpp"
#include "rpc/prpc.hpp"

namespace dstack::gateway {

/// What it answers from. On one thread.
struct GatewayOutside {
  std::function<Time()> now{};
  std::function<Self()> self{};
  /// Those that VMs are to reach, this one among them.
  std::function<std::vector<Self>()> nodes{};
  std::function<bool()> accepting{}; ///< this node takes registrations
  /// Whether that VM may register, by whoever else is asked. Called back once.
  std::function<void(const attest::AppInfo&, std::function<void(Status)>)> admit{};
  /// When called back with an entry it is on the disk and WireGuard knows the peer.
  using Enrolled = std::function<void(Result<route::RegistryEntry>)>;
  std::function<void(const route::Enrolment&, Enrolled)> enrol{};
  std::function<codec::Json()> acme_info{};
};

/// For one request. Outside must live until it is answered.
rpc::Service gateway_service(const GatewayOutside& outside, const Caller& caller);

/// The method behind a published path ("/prpc/RegisterCvm", "/prpc/Tproxy.RegisterCvm"), GET or
/// POST; empty when it is none.
std::string_view gateway_method(const http::Request& request);

/// AcmeInfoResponse; with "hist_keys", which published monitors ask for (spec gateway 17).
codec::Json acme_info_json(const std::string& account_url,
                           const std::optional<Attested>& account,
                           const std::vector<Attested>& keys);

/// The POST body for a webhook: AppInfo with hex strings (spec gateway 2).
codec::Json to_json(const attest::AppInfo& info);

} // namespace dstack::gateway
