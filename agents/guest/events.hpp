#pragma once
/// Runtime events: extended into the register first, then written to the log, under a lock that
/// other writers share (spec guest 8.1, 8.3).

#include "attest/event_log.hpp"
#include "guest/facts.hpp"
#include "sys/files.hpp"

namespace dstack::guest {

class EventRecorder {
public:
  using Extend = std::function<Status(const attest::Sha384Digest& digest)>;

  /// Fixes the version for this boot; a directory that holds another one is refused, and so is one
  /// with events in it: a boot begins once, and who could begin it again could add an identity.
  static Result<EventRecorder>
  open(const sys::fs::path& directory, attest::EventVersion version, Extend extend);

  Status record(std::string_view name, ByteView payload);
  const std::vector<attest::RuntimeEvent>& events() const { return events_; }

private:
  EventRecorder(sys::fs::path directory, attest::EventVersion version, Extend extend)
      : directory_(std::move(directory)), version_(version), extend_(std::move(extend))
  {
  }
  sys::fs::path directory_;
  attest::EventVersion version_;
  Extend extend_;
  std::vector<attest::RuntimeEvent> events_;
};

/// system-preparing to boot-mr-done: what a KMS decides on.
Status record_boot_events(EventRecorder& recorder,
                          const Identity& identity,
                          const compose::AppCompose& app);

} // namespace dstack::guest
