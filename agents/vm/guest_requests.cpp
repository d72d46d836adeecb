// What the guest asks of its supervisor: Hello, Notify, keys, the simulated TEE. Everything it says
// is shown or kept, never obeyed.
#include "agents/vm/supervisor.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"

#include <algorithm>

namespace dstack::supervisor {

using codec::Json;
using store::VmStatus;

namespace {

constexpr std::size_t max_payload = 4096;
constexpr std::size_t max_event_name = 64;
constexpr std::size_t max_stages = 200;
constexpr std::size_t hash_digits = 40;
/// A guest that reported a boot error powers off by itself; this is how long it may take.
constexpr std::chrono::milliseconds power_off_grace{20'000};

/// "" or exactly that many hex digits.
Result<std::string> get_id(const Json& info, std::string_view key)
{
  const std::string text = TRY(info.get_string(key, ""));
  if (!text.empty() && (text.size() != hash_digits || !parse_hex(text)))
    return fail(Errc::malformed, "{}: '{}' (want {} hex digits)", key, printable(text),
                hash_digits);
  return lower(text);
}

} // namespace

Result<Json> Supervisor::serve(const std::string& method, const Json& params)
{
  if (method == "Hello") return on_hello();
  if (method == "Notify") {
    const std::string event = TRY(params.need_string("event"));
    if (event.size() > max_event_name)
      return fail(Errc::malformed, "an event name of {} bytes", event.size());
    on_notify(event, TRY(params.get_string("payload", "")));
    return Json::object();
  }
  if (method.starts_with("Tee.")) {
    if (!tee_) return fail(Errc::unsupported, "this VM has no simulated TEE");
    return tee_->handle(method, params);
  }
  return fail(Errc::unsupported, "the host knows no method {}", printable(method));
}

/// From the simulated TEE at once, otherwise from the host's key provider.
void Supervisor::provide_sealing_key(const Json& params, const GuestLink::Answer& answer)
{
  if (tee_) return answer(tee_->handle("GetSealingKey", params));
  const KeyProvider& provider = options_.settings.key_provider;
  if (provider.collateral_program.empty())
    return answer(fail(Errc::unsupported, "this supervisor was not told of a key provider"));
  if (sealing_ && !sealing_->over())
    return answer(fail(Errc::denied, "a sealing key is being fetched already"));
  const auto text = params.need_string("quote");
  const auto quote = text ? parse_hex(*text) : Result<Bytes>{text.error()};
  if (!quote) return answer(fail(Errc::malformed, "quote: {}", quote.error().message()));
  const auto done = [this, answer](const Result<Json>& result) {
    if (!result) log_.warning("keys", result.error().message());
    answer(result);
  };
  auto started = SealingExchange::start(loop_, provider, *quote, done);
  if (!started) return answer(started.error());
  sealing_ = *std::move(started);
}

Result<Json> Supervisor::on_hello()
{
  if (tee_) TRY(tee_->reset());
  stage("guest.hello", "guest agent started");
  return Json{}.set("protocol", 1).set("tee", store::name_of(spec_.tee));
}

void Supervisor::on_notify(const std::string& event, std::string payload)
{
  if (event == "instance.info") {
    const Status kept = on_instance_info(payload);
    if (!kept) log_.warning("guest", "instance.info dropped", {{"reason", kept.error().message()}});
    return;
  }
  if (payload.size() > max_payload) payload.resize(max_payload);
  if (event == "boot.progress") return stage(event, payload);
  if (event == "app.ready") return on_app_ready();
  if (event == "boot.error") on_boot_error(payload);
  if (event == "app.error") {
    state_.last_error = payload;
    save();
  }
  events_.add(event, payload);
}

void Supervisor::on_app_ready()
{
  if (phase_ != Phase::up || state_.status == VmStatus::running) return;
  loop_.cancel(deadline_timer_);
  state_.status = VmStatus::running;
  state_.last_error.clear();
  budget_.became_healthy(sys::monotonic_ms());
  if (state_.stages.size() >= max_stages) state_.stages.pop_back(); // this one counts
  stage("app.ready", "app ready");
}

void Supervisor::on_boot_error(const std::string& payload)
{
  boot_error_ = payload.empty() ? "the guest reported a boot error without a text" : payload;
  state_.last_error = boot_error_;
  save();
  loop_.cancel(escalation_timer_);
  escalation_timer_ = loop_.after(power_off_grace, [this] { end_qemu(); });
}

Status Supervisor::on_instance_info(const std::string& payload)
{
  const Json info = TRY(codec::parse_json(payload, {.max_bytes = max_payload}));
  const std::string seed = TRY(get_id(info, "instance_id_seed"));
  const std::string instance = TRY(get_id(info, "instance_id"));
  const std::string app = TRY(get_id(info, "app_id"));
  Json kept;
  kept.set("instance_id_seed", seed).set("instance_id", instance).set("app_id", app);
  TRY(sys::write_file_atomic(paths_.share() / ".instance_info", as_bytes(codec::write_json(kept)),
                             sys::Privacy::owner_only));
  state_.instance_id = instance;
  if (!app.empty()) state_.app_id = app;
  save();
  events_.add("instance.info", codec::write_json(kept));
  return ok();
}

void Supervisor::stage(std::string_view name, std::string_view text)
{
  const bool full = state_.stages.size() >= max_stages;
  const std::int64_t at_ms = std::max<std::int64_t>(sys::monotonic_ms() - started_ms_, 0);
  if (!full)
    state_.stages.push_back(
        {std::string{name}, printable(text), static_cast<std::uint64_t>(at_ms)});
  // A guest that talks without end costs no writes.
  if (!full || name.starts_with("vm.")) save();
  // Told when it is written: who acts on the event finds a state that knows of it.
  events_.add(name, text);
}

} // namespace dstack::supervisor
