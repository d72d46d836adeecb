#include "guest/events.hpp"

#include "base/text.hpp"
#include "guestapi/boot_events.hpp"

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
  if (sys::fs::exists(directory / log_name))
    return fail(Errc::denied, "{} exists: this boot has been measured already",
                (directory / log_name).string());
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
  const guestapi::BootIdentity who{to_bytes(ByteView{identity.app_id}),
                                   to_bytes(ByteView{identity.compose_hash}), identity.instance_id};
  for (const guestapi::BootEvent& event : guestapi::boot_events(who, app))
    TRY(recorder.record(event.name, event.payload));
  return ok();
}

} // namespace dstack::guest
