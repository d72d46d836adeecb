#include "agents/kms/audit_file.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace dstack::kmsnode {

namespace {

constexpr std::int64_t minute_ms = 60'000;

struct Tail {
  kms::AuditHead head{};
  std::uint64_t keep = 0; ///< bytes of whole lines
  bool ended = true;      ///< the last whole line has its line feed
};

/// Reads as much from the end as the longest line can be, twice.
Result<Tail> read_tail(int fd)
{
  struct stat about {};
  if (::fstat(fd, &about) != 0) return sys::errno_error("fstat");
  const auto size = static_cast<std::uint64_t>(about.st_size);
  const std::uint64_t want = std::min<std::uint64_t>(size, 2 * kms::max_audit_line);
  std::string text(static_cast<std::size_t>(want), '\0');
  const std::uint64_t start = size - want;
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n =
        ::pread(fd, text.data() + got, text.size() - got, static_cast<off_t>(start + got));
    if (n <= 0) return sys::errno_error("read");
    got += static_cast<std::size_t>(n);
  }
  Tail out;
  const std::size_t last_feed = text.rfind('\n');
  const std::string_view behind = last_feed == std::string::npos
                                      ? std::string_view{text}
                                      : std::string_view{text}.substr(last_feed + 1);
  if (!behind.empty()) {
    if (auto head = kms::audit_head_of(behind)) return Tail{*head, size, false};
    if (last_feed == std::string::npos && start != 0)
      return fail(Errc::malformed, "its last line is longer than any record");
  }
  out.keep = size - behind.size();
  if (last_feed == std::string::npos) return out;
  const std::string_view whole = std::string_view{text}.substr(0, last_feed);
  const std::size_t before = whole.rfind('\n');
  out.head =
      TRY(kms::audit_head_of(before == std::string_view::npos ? whole : whole.substr(before + 1)));
  return out;
}

} // namespace

Result<std::unique_ptr<AuditFile>> AuditFile::open(const sys::fs::path& path,
                                                   const AuditLimits& limits)
{
  sys::Fd fd{::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return sys::errno_error(fmt::format("open {}", path.string()));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Errc::io, "{}: another process writes it", path.string());
  const Tail tail = TRY(read_tail(fd.get()).within("{}", path.string()));
  if (::ftruncate(fd.get(), static_cast<off_t>(tail.keep)) != 0)
    return sys::errno_error(fmt::format("truncate {}", path.string()));
  if (!tail.ended) TRY(sys::write_all(fd.get(), as_bytes("\n")).within("{}", path.string()));
  if (::fdatasync(fd.get()) != 0) return sys::errno_error(fmt::format("sync {}", path.string()));
  TRY(sys::sync_directory(path.parent_path()));
  return std::unique_ptr<AuditFile>{new AuditFile{std::move(fd), tail.head, limits}};
}

kms::AuditHead AuditFile::head() const
{
  const std::lock_guard lock{mutex_};
  return head_;
}

std::uint64_t AuditFile::left_out() const
{
  const std::lock_guard lock{mutex_};
  return left_out_;
}

/// What is granted, and what was refused to somebody who proved who he is, always is.
bool AuditFile::within_budget(const kms::AuditRecord& record, Time now)
{
  if (record.caller || record.allowed != false) return true;
  if (now.ms / minute_ms != minute_) {
    minute_ = now.ms / minute_ms;
    unproven_ = 0;
  }
  if (unproven_ < limits_.unproven_per_minute) {
    ++unproven_;
    return true;
  }
  ++untold_;
  ++left_out_;
  return false;
}

void AuditFile::add(const kms::AuditRecord& record, Time now)
{
  kms::AuditLine line = kms::audit_line(head_, record, now);
  unwritten_ += line.text;
  unwritten_ += '\n';
  head_ = line.head;
}

Status AuditFile::append(const kms::AuditRecord& record, Time now)
{
  std::unique_lock lock{mutex_};
  if (broken_) return *broken_;
  if (!within_budget(record, now)) return ok();
  if (untold_ > 0 && unproven_ < limits_.unproven_per_minute) {
    kms::AuditRecord note;
    note.event = "left-out";
    note.reason = fmt::format("{} refusals of callers that proved nothing", untold_);
    untold_ = 0;
    add(note, now);
  }
  add(record, now);
  return on_disk(lock, head_.lines);
}

/// One thread writes and syncs for all that came before it began.
Status AuditFile::on_disk(std::unique_lock<std::mutex>& lock, std::uint64_t line)
{
  while (on_disk_ < line) {
    if (broken_) return *broken_;
    if (writing_) {
      done_.wait(lock);
      continue;
    }
    writing_ = true;
    lock.unlock();
    ::sched_yield(); // whoever is about to come may come along
    lock.lock();
    const std::uint64_t up_to = head_.lines;
    const std::string text = std::exchange(unwritten_, {});
    lock.unlock();
    Status kept = sys::write_all(fd_.get(), as_bytes(text));
    if (kept && ::fdatasync(fd_.get()) != 0) kept = sys::errno_error("sync");
    lock.lock();
    writing_ = false;
    if (kept)
      on_disk_ = up_to;
    else
      broken_ = kept.error(); // part of a line may be there: the chain cannot go on behind it
    done_.notify_all();
  }
  return ok();
}

} // namespace dstack::kmsnode
