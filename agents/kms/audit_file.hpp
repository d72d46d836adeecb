#pragma once
/// DIR/audit.jsonl: appended to, chained, on the disk before a decision takes effect. Any thread
/// may append; what comes at the same time goes to the disk by one write and one fsync.

#include "kms/audit.hpp"
#include "sys/files.hpp"

#include <condition_variable>
#include <mutex>

namespace dstack::kmsnode {

struct AuditLimits {
  /// Refusals of callers that proved nothing, each minute: anybody can cause them, so beyond this
  /// they are counted and one line says how many.
  std::uint64_t unproven_per_minute = 120;
};

class AuditFile {
public:
  /// Continues the chain; a last line that a crash cut short is removed. Holds a lock on the file.
  static Result<std::unique_ptr<AuditFile>> open(const sys::fs::path& path,
                                                 const AuditLimits& limits = {});

  Status append(const kms::AuditRecord& record, Time now);
  kms::AuditHead head() const;
  /// Refusals that are only counted, so far.
  std::uint64_t left_out() const;

private:
  AuditFile(sys::Fd fd, const kms::AuditHead& head, const AuditLimits& limits)
      : fd_(std::move(fd)), head_(head), limits_(limits)
  {
  }
  bool within_budget(const kms::AuditRecord& record, Time now);
  void add(const kms::AuditRecord& record, Time now);
  Status on_disk(std::unique_lock<std::mutex>& lock, std::uint64_t line);

  sys::Fd fd_;
  mutable std::mutex mutex_;
  std::condition_variable done_;
  kms::AuditHead head_;
  AuditLimits limits_;
  std::string unwritten_{};   ///< the newest lines
  std::uint64_t on_disk_ = 0; ///< lines known to be there
  bool writing_ = false;
  std::optional<Error> broken_{}; ///< after that nothing is decided any more
  std::int64_t minute_ = 0;
  std::uint64_t unproven_ = 0; ///< this minute
  std::uint64_t untold_ = 0;   ///< left out since the last line that said so
  std::uint64_t left_out_ = 0;
};

} // namespace dstack::kmsnode
