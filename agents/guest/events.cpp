#include "guest/events.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace dstack::guest {

namespace {

constexpr std::chrono::milliseconds lock_deadline{10'000};
constexpr std::size_t max_version_text = 16;
constexpr const char* log_name = "runtime_events.log";
constexpr const char* lock_name = "runtime_event.lock";
constexpr const char* version_name = "runtime_event_version";

} // namespace

Result<EventRecorder>
EventRecorder::open(const sys::fs::path& directory, attest::EventVersion version, Extend extend)
{
  TRY(sys::make_directories(directory, sys::Privacy::shared));
  const std::string text = std::to_string(static_cast<int>(version));
  const auto fixed = sys::read_text(directory / version_name, max_version_text);
  if (fixed && trim(*fixed) != text)
    return fail(Errc::denied, "event log version {} (already fixed to {})", text, trim(*fixed));
  if (!fixed)
    TRY(sys::write_file_atomic(directory / version_name, as_bytes(text), sys::Privacy::shared));
  return EventRecorder{directory, version, std::move(extend)};
}

Status EventRecorder::record(std::string_view name, ByteView payload)
{
  attest::RuntimeEvent event{std::string{name}, to_bytes(payload), version_};
  const auto lock = TRY(sys::FileLock::acquire(directory_ / lock_name, name, lock_deadline));
  TRY(extend_(attest::digest_of(event)).within("event {}", name));
  const sys::Fd log = TRY(sys::open_append(directory_ / log_name, sys::Privacy::owner_only));
  TRY(sys::write_all(log.get(), as_bytes(attest::to_log_line(event) + "\n")).within("event log"));
  events_.push_back(std::move(event));
  return ok();
}

Status record_boot_events(EventRecorder& recorder,
                          const Identity& identity,
                          const compose::AppCompose& app)
{
  TRY(recorder.record("system-preparing", {}));
  TRY(recorder.record("app-id", identity.app_id));
  TRY(recorder.record("compose-hash", identity.compose_hash));
  for (const std::string& script : app.init_script)
    TRY(recorder.record("init-script-hash", crypto::sha256(as_bytes(script))));
  TRY(recorder.record("gpu-policy-hash", compose::gpu_policy_hash(app)));
  TRY(recorder.record("instance-id", identity.instance_id));
  return recorder.record("boot-mr-done", {});
}

} // namespace dstack::guest
