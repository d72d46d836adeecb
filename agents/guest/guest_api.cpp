#include "base/text.hpp"
#include "guest/console.hpp"
#include "guest/external.hpp"
#include "guest/guest.hpp"
#include "guest/kms_keys.hpp"
#include "sys/clock.hpp"
#include "sys/sockets.hpp"

namespace dstack::guest {

namespace {

constexpr const char* api_socket = "/run/dstack.sock";
constexpr const char* old_api_socket = "/run/tappd.sock";
constexpr unsigned api_mode = 0777; ///< every container that mounts one may use it
constexpr std::size_t max_api_connections = 512;
constexpr std::size_t max_gpu_attestation = std::size_t{8} << 20U;
/// Certificates may take a while, but not as long as keys at boot: somebody waits for them.
constexpr std::chrono::milliseconds certificate_connect{5000};
constexpr std::chrono::milliseconds certificate_answer{20'000};
constexpr std::chrono::milliseconds certificate_total{30'000};
constexpr const char* gpu_attestation = "/run/nvidia-gpu-attestation/attestation.out";

std::string trimmed_file(const char* path)
{
  const auto text = sys::read_text(path, 4096);
  return text ? std::string{trim(*text)} : std::string{};
}

guestapi::Outside outside()
{
  guestapi::Outside out;
  out.now = sys::now;
  out.gpu_attestation = []() -> std::string {
    auto text = sys::read_text(gpu_attestation, max_gpu_attestation);
    return text ? *std::move(text) : std::string{};
  };
  return out;
}

Result<std::unique_ptr<net::HttpServer>>
serve_socket(sys::Loop& loop, const char* path, rpc::Service service)
{
  net::ServerLimits limits;
  limits.max_connections = max_api_connections;
  const auto shared = std::make_shared<rpc::Service>(std::move(service));
  auto server = std::make_unique<net::HttpServer>(
      loop, limits, [shared](const http::Request& request, const net::Responder& to) {
        rpc::answer(*shared, request, [to](http::Response answer) { to.send(std::move(answer)); });
      });
  TRY(server->serve(TRY(sys::listen_unix(path, api_mode))));
  return server;
}

} // namespace

/// With a KMS: who signs the app's certificates.
Status Guest::open_signer()
{
  if (!kms_) return ok();
  guestsite::SignerSettings settings;
  settings.kms = *kms_;
  settings.app_id = to_bytes(ByteView{identity_.app_id});
  settings.vm_config = config_.vm_config;
  settings.reach = kms_reach(config_);
  settings.reach.connect = certificate_connect;
  settings.reach.answer = certificate_answer;
  settings.reach.total = certificate_total;
  settings.now = sys::now;
  signer_ = TRY(guestsite::KmsSigner::create(*loop_, std::move(settings)));
  return ok();
}

/// Everything is measured: from here on Info and GetQuote have their final content.
Status Guest::seal_measurement()
{
  guestapi::Facts facts;
  facts.app_compose = app_compose_text_;
  facts.app_name = app_.name;
  facts.public_tcbinfo = app_.public_tcbinfo;
  facts.simulated = tee_->simulated();
  facts.app_id = to_bytes(ByteView{identity_.app_id});
  facts.compose_hash = to_bytes(ByteView{identity_.compose_hash});
  facts.instance_id = identity_.instance_id;
  facts.os_image_hash = config_.os_image_hash;
  facts.vm_config = config_.vm_config;
  facts.key_provider = key_provider_;
  facts.log = std::move(boot_log_.events);
  for (const attest::RuntimeEvent& event : recorder_->events())
    facts.log.push_back(attest::to_tdx_event(event));
  facts.cloud_vendor = trimmed_file("/sys/class/dmi/id/sys_vendor");
  facts.cloud_product = trimmed_file("/sys/class/dmi/id/product_name");
  TRY(open_signer().within("certificates"));
  guestapi::Outside world = outside();
  if (signer_)
    world.sign_cert = [this](guestapi::SigningRequest request, guestapi::OnCertificate done) {
      signer_->sign(std::move(request), std::move(done));
    };
  api_ = std::make_shared<guestapi::Guest>(
      std::move(facts), [this](const guestapi::ReportData& data) { return tee_->quote(data); },
      std::move(*app_keys_), std::move(world));
  app_keys_.reset();
  return ok();
}

/// The sockets exist before any container can start.
Status Guest::serve_guest_api()
{
  servers_.push_back(TRY(serve_socket(*loop_, api_socket, guestapi::dstack_service(api_))));
  servers_.push_back(TRY(serve_socket(*loop_, old_api_socket, guestapi::tappd_service(api_))));
  if (signer_) static_cast<void>(api_->demo_certificate()); // so that Info has it soon
  return serve_world().within("port {}", external_port);
}

Status Guest::serve_world()
{
  site_.public_logs = app_.public_logs;
  site_.public_sysinfo = app_.public_sysinfo;
  site_.facts = [this]() -> Result<guestapi::PageFacts> {
    auto facts =
        TRY(guestapi::page_facts(TRY(api_->evidence().public_info(api_->demo_certificate()))));
    facts.simulated_tee = tee_->simulated();
    return facts;
  };
  site_.worker = guestapi::worker_service(api_);
  site_.version_header = fmt::format("v{} (unknown)", guestapi::api_version);
  bind_machine(site_, *loop_, runtime_->engine());
  sys::Fd listener = TRY(sys::listen_tcp("0.0.0.0", external_port));
  servers_.push_back(TRY(guestsite::serve_external_port(*loop_, site_, std::move(listener))));
  return ok();
}

} // namespace dstack::guest
