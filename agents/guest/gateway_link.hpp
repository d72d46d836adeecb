#pragma once
/// The VM at its gateway (spec gateway 8): registers, keeps dstack-wg0 as the answers say, and does
/// it again when it is time or nothing is heard. What blocks runs on a worker or as a program.

#include "gatewayclient/client.hpp"
#include "gatewayclient/schedule.hpp"
#include "guest/processes.hpp"
#include "guestapi/guest.hpp"
#include "sys/workers.hpp"

namespace dstack::guest {

struct GatewaySettings {
  std::vector<kmsclient::Url> urls{};
  Bytes root_der{};                      ///< of the KMS
  std::string gateway_app_id{};          ///< as the KMS gave it
  std::vector<std::string> dns{};        ///< numeric
  std::optional<route::Network> local{}; ///< the VM's own network, in which no tunnel may end
  route::PortPolicy policy{};
  Secret<32> private_key{}; ///< of WireGuard
};

class GatewayLink {
public:
  using OnCertificate = std::function<void(Result<guestapi::Guest::Issued>)>;
  struct Outside {
    /// Has the KMS make a client certificate with the app's info; calls back once.
    std::function<void(OnCertificate)> certificate;
    std::function<Time()> now;
    std::function<void(std::string)> joined; ///< at first, and after a failure that was told
    std::function<void(std::string)> failed; ///< it will be tried again; not the same one twice
  };
  static Result<std::unique_ptr<GatewayLink>>
  create(sys::Loop& loop, Processes& processes, GatewaySettings settings, Outside outside);
  ~GatewayLink();
  GatewayLink(const GatewayLink&) = delete;
  GatewayLink& operator=(const GatewayLink&) = delete;

  void start();
  /// The first registration came to something or to nothing. The loop is stopped when it does.
  bool settled() const { return settled_; }
  bool is_registered() const { return schedule_.is_registered(); }
  /// For the host: registered, problem; and once registered url, domain, external_port, address
  /// ("" without a tunnel) and heard, whether a peer ever was.
  codec::Json status() const;

private:
  using Step = gatewayclient::Schedule::Step;
  GatewayLink(sys::Loop& loop,
              Processes& processes,
              std::unique_ptr<sys::WorkerPool> workers,
              GatewaySettings settings,
              Outside outside);
  void look();
  void look_at_handshakes();
  void begin(Step step);
  void take_certificate(Step step, Result<guestapi::Guest::Issued> issued);
  void ask(Step step);
  void take(Step step, Result<gatewayclient::Answer> answer);
  Status remove_tunnel();
  Status begin_tunnel(Step step);
  void finish_tunnel(Step step, const Finished& finished);
  Status set_addresses();
  void end(Step step, const Status& outcome);
  void registered(Step step);
  void failed(const std::string& why);

  sys::Loop& loop_;
  Processes& processes_;
  std::unique_ptr<sys::WorkerPool> workers_;
  GatewaySettings settings_;
  Outside outside_;
  gatewayclient::Schedule schedule_;
  gatewayclient::WgKey public_key_{};
  std::optional<guestapi::Guest::Issued> certificate_;
  std::int64_t certificate_ends_ = 0;           ///< Unix seconds
  gatewayclient::Answer answer_{};              ///< the newest one
  bool made_ = false;                           ///< the interface is there
  std::optional<gatewayclient::Answer> set_up_; ///< what it is like
  std::vector<std::string> routes_;             ///< to these hosts, through the interface
  std::optional<sys::Loop::TimerId> timer_;
  std::string problem_; ///< why the last attempt failed
  bool busy_ = false;
  bool settled_ = false;
};

/// The VM's own key of WireGuard, made once and kept there (0600), so that gateways know the VM and
/// its address again after a restart.
Result<Secret<32>> wireguard_key(const sys::fs::path& file);

} // namespace dstack::guest
