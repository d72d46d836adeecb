#include "guest/gateway_link.hpp"

#include "crypto/random.hpp"
#include "crypto/x25519.hpp"
#include "gatewayclient/handshakes.hpp"
#include "guest/network.hpp"
#include "guest/wireguard_link.hpp"
#include "sys/secret_files.hpp"
#include "x509/read.hpp"

#include <algorithm>

namespace dstack::guest {

using gatewayclient::Schedule;

namespace {

constexpr std::chrono::milliseconds look_every{10'000};
constexpr std::uint16_t listen_port = 9182;     // spec gateway 8
constexpr std::int64_t least_certificate = 600; // seconds left; spec gateway 8

kmsclient::Reach reach(const std::vector<std::string>& dns)
{
  kmsclient::Reach out;
  out.dns = dns;
  out.connect = std::chrono::milliseconds{5000};
  out.answer = std::chrono::milliseconds{20'000};
  out.total = std::chrono::milliseconds{60'000};
  return out;
}

Result<std::int64_t> end_of(const guestapi::Guest::Issued& issued)
{
  if (issued.chain.empty()) return fail(Errc::malformed, "an empty chain");
  const Bytes leaf = TRY(x509::first_certificate(as_bytes(issued.chain.front())));
  return TRY(x509::read_certificate(leaf)).not_after;
}

/// Otherwise a gateway could take the VM's way to its router or its DNS server.
Status check_elsewhere(const gatewayclient::Registration& answer,
                       const std::optional<route::Network>& local)
{
  if (!local || answer.servers.empty()) return ok();
  std::vector<route::Address> all{answer.client};
  for (const gatewayclient::Server& server : answer.servers)
    all.push_back(server.address);
  for (const route::Address& one : all)
    if (local->contains(one))
      return fail(Errc::malformed, "the gateway's network has {}, which is in the VM's own {}",
                  one.text(), local->text());
  return ok();
}

sys::Command wg(std::vector<std::string> arguments)
{
  sys::Command out;
  out.argv = {"wg"};
  out.argv.insert(out.argv.end(), arguments.begin(), arguments.end());
  return out;
}

} // namespace

GatewayLink::GatewayLink(sys::Loop& loop,
                         Processes& processes,
                         std::unique_ptr<sys::WorkerPool> workers,
                         GatewaySettings settings,
                         Outside outside)
    : loop_(loop), processes_(processes), workers_(std::move(workers)),
      settings_(std::move(settings)), outside_(std::move(outside)),
      schedule_(settings_.urls.size()), public_key_(crypto::x25519_public(settings_.private_key))
{
}

Result<std::unique_ptr<GatewayLink>> GatewayLink::create(sys::Loop& loop,
                                                         Processes& processes,
                                                         GatewaySettings settings,
                                                         Outside outside)
{
  auto workers = TRY(sys::WorkerPool::create(loop, {1, 1}));
  return std::unique_ptr<GatewayLink>{new GatewayLink{loop, processes, std::move(workers),
                                                      std::move(settings), std::move(outside)}};
}

GatewayLink::~GatewayLink()
{
  if (timer_) loop_.cancel(*timer_);
}

void GatewayLink::start()
{
  look();
}

void GatewayLink::look()
{
  timer_ = loop_.after(look_every, [this] { look(); });
  if (busy_) return;
  const std::int64_t now = sys::monotonic_ms();
  if (schedule_.wants_handshake(now)) return look_at_handshakes();
  begin(schedule_.step(now));
}

void GatewayLink::look_at_handshakes()
{
  busy_ = true;
  const auto seen = [this](const Finished& finished) {
    busy_ = false;
    const auto newest = gatewayclient::newest_handshake(finished.tail);
    if (finished.state.success() && newest) schedule_.handshake(sys::monotonic_ms(), *newest);
    begin(schedule_.step(sys::monotonic_ms()));
  };
  // What cannot be asked was not heard.
  if (!processes_.start(wg({"show", wireguard_interface, "latest-handshakes"}), {}, seen))
    busy_ = false;
}

void GatewayLink::begin(Step step)
{
  if (step == Step::wait) return;
  busy_ = true;
  const std::int64_t now = outside_.now().seconds();
  if (certificate_ && now + least_certificate < certificate_ends_) return ask(step);
  outside_.certificate([this, step](Result<guestapi::Guest::Issued> issued) {
    take_certificate(step, std::move(issued));
  });
}

void GatewayLink::take_certificate(Step step, Result<guestapi::Guest::Issued> issued)
{
  if (!issued) return end(step, std::move(issued).error().within("certificate"));
  const auto ends = end_of(*issued);
  if (!ends) return end(step, Error{ends.error()}.within("certificate"));
  certificate_ends_ = *ends;
  certificate_ = *std::move(issued);
  ask(step);
}

void GatewayLink::ask(Step step)
{
  struct Job {
    gatewayclient::Question question;
    kmsclient::Reach reach;
    std::optional<Result<gatewayclient::Answer>> answer;
  };
  const auto job = std::make_shared<Job>();
  for (const std::size_t index : schedule_.order())
    job->question.urls.push_back(settings_.urls[index]);
  job->question.root_der = settings_.root_der;
  job->question.gateway_app_id = settings_.gateway_app_id;
  job->question.chain_pem = join(certificate_->chain, "\n");
  job->question.key_pem = certificate_->key_pem;
  job->question.public_key = public_key_;
  job->question.policy = settings_.policy;
  job->reach = reach(settings_.dns);
  const auto work = [job] {
    job->answer = gatewayclient::request_registration(job->question, job->reach);
  };
  const bool taken =
      workers_->run(work, [this, job, step] { take(step, *std::move(job->answer)); });
  DSTACK_ASSERT(taken); // one at a time: busy_
}

void GatewayLink::take(Step step, Result<gatewayclient::Answer> answer)
{
  if (!answer) return end(step, std::move(answer).error());
  answer_ = *std::move(answer);
  Status fits = check_elsewhere(answer_.registration, settings_.local);
  if (!fits) return end(step, fits);
  if (answer_.peers.empty()) return end(step, remove_tunnel());
  const bool same = set_up_ && set_up_->peers == answer_.peers &&
                    set_up_->registration.client == answer_.registration.client;
  if (same && step != Step::force) return end(step, ok());
  const Status begun = begin_tunnel(step);
  if (!begun) end(step, begun);
}

Status GatewayLink::remove_tunnel()
{
  set_up_.reset();
  routes_.clear();
  if (!made_) return ok();
  TRY(remove_wireguard());
  made_ = false;
  return ok();
}

/// finish_tunnel goes on when `wg` has ended.
Status GatewayLink::begin_tunnel(Step step)
{
  set_up_.reset(); // whatever becomes of it, it is no longer what it was
  TRY(make_wireguard());
  made_ = true;
  const SecretBytes text = route::wg_config(settings_.private_key, listen_port, answer_.peers);
  // setconf makes all peers anew, with new sessions; syncconf leaves alone those that stay.
  const char* how = step == Step::force ? "setconf" : "syncconf";
  TRY(processes_.start(wg({how, wireguard_interface, "/dev/fd/0"}), text.view(),
                       [this, step](const Finished& done) { finish_tunnel(step, done); }));
  return ok();
}

void GatewayLink::finish_tunnel(Step step, const Finished& finished)
{
  if (!finished.state.success())
    return end(step,
               fail(Errc::io, "wg {}: {}", finished.state.describe(), last_lines(finished.tail)));
  end(step, set_addresses());
}

/// Routes go to the gateway's nodes alone.
Status GatewayLink::set_addresses()
{
  TRY(set_host_address(wireguard_interface, answer_.registration.client.text()));
  std::vector<std::string> wanted;
  for (const gatewayclient::Server& server : answer_.registration.servers)
    wanted.push_back(server.address.text());
  for (const std::string& host : wanted)
    TRY(change_route(wireguard_interface, host, Route::add));
  for (const std::string& host : std::exchange(routes_, wanted))
    if (std::find(wanted.begin(), wanted.end(), host) == wanted.end())
      TRY(change_route(wireguard_interface, host, Route::remove));
  set_up_ = answer_;
  return ok();
}

void GatewayLink::end(Step step, const Status& outcome)
{
  busy_ = false;
  if (outcome)
    registered(step);
  else
    failed(outcome.error().message());
  if (std::exchange(settled_, true)) return;
  loop_.stop();
}

void GatewayLink::registered(Step step)
{
  using Tunnel = Schedule::Tunnel;
  const auto by =
      std::find_if(settings_.urls.begin(), settings_.urls.end(),
                   [this](const kmsclient::Url& url) { return url.text == answer_.url; });
  const bool news = !schedule_.is_registered() || !problem_.empty();
  schedule_.registered(sys::monotonic_ms(), step,
                       static_cast<std::size_t>(by - settings_.urls.begin()),
                       set_up_ ? Tunnel::expected : Tunnel::none);
  problem_.clear();
  if (!news) return;
  outside_.joined(fmt::format("registered with the gateway at {}{}", answer_.url,
                              set_up_ ? " as " + answer_.registration.client.text()
                                      : ", which has no WireGuard"));
}

void GatewayLink::failed(const std::string& why)
{
  schedule_.failed(sys::monotonic_ms());
  if (problem_ == why) return;
  problem_ = why;
  outside_.failed(problem_);
}

codec::Json GatewayLink::status() const
{
  codec::Json out;
  out.set("registered", schedule_.is_registered()).set("problem", problem_);
  if (!schedule_.is_registered()) return out;
  out.set("url", answer_.url).set("domain", answer_.registration.domain);
  out.set("external_port", unsigned{answer_.registration.external_port});
  out.set("address", set_up_ ? set_up_->registration.client.text() : "");
  return out.set("heard", schedule_.ever_heard());
}

Result<Secret<32>> wireguard_key(const sys::fs::path& file)
{
  std::error_code error;
  Secret<32> out;
  if (sys::fs::exists(file, error)) {
    const SecretBytes kept = TRY(sys::read_secret(file, out.view().size()));
    if (kept.size() != out.view().size())
      return fail(Errc::malformed, "{}: {} bytes (want {})", file.string(), kept.size(),
                  out.view().size());
    std::copy(kept.view().begin(), kept.view().end(), out.mutable_view().begin());
    return out;
  }
  crypto::random_bytes(out.mutable_view());
  TRY(sys::make_directories(file.parent_path(), sys::Privacy::owner_only));
  TRY(sys::write_file_atomic(file, out.view(), sys::Privacy::owner_only));
  return out;
}

} // namespace dstack::guest
