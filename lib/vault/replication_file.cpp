#include "vault/replication_file.hpp"

#include "crypto/random.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace dstack::vault {

namespace {

constexpr std::size_t node_id_bytes = 8;

} // namespace

Status ReplicationFile::open(const crypto::K256Public& root, const Secret<32>& root_k256, Time now)
{
  const std::lock_guard lock{mutex_};
  sys::Fd fd{::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return sys::errno_error(fmt::format("open {}", path_.string()));
  const std::string text = TRY(sys::read_text(path_, max_replication_log));
  const auto summary = TRY(kms::verify_replication(text, root).within("{}", path_.string()));
  if (::ftruncate(fd.get(), static_cast<off_t>(summary.whole)) != 0)
    return sys::errno_error(fmt::format("truncate {}", path_.string()));
  if (summary.whole > 0 && text.at(summary.whole - 1) != '\n')
    TRY(sys::write_all(fd.get(), as_bytes("\n")));
  fd_ = std::move(fd);
  head_ = summary.head;
  if (head_.entries > 0) return ok();
  kms::ReplicationEntry first;
  first.event = kms::ReplicationEvent::opened;
  head_.node = crypto::random_hex(node_id_bytes);
  TRY(write(std::move(first), root_k256, now));
  return sys::sync_directory(path_.parent_path());
}

Status ReplicationFile::append(kms::ReplicationEntry entry, const Secret<32>& root_k256, Time now)
{
  const std::lock_guard lock{mutex_};
  return write(std::move(entry), root_k256, now).within("{}", path_.string());
}

Status ReplicationFile::write(kms::ReplicationEntry entry, const Secret<32>& root_k256, Time now)
{
  if (!fd_) return fail(Errc::io, "not open");
  entry.node = head_.node;
  const kms::ReplicationLine line = TRY(kms::replication_line(head_, entry, now, root_k256));
  const Status written = sys::write_all(fd_.get(), as_bytes(line.text + "\n"));
  if (!written || ::fdatasync(fd_.get()) != 0) {
    fd_.reset(); // part of a line may be there: the next start looks
    return written ? sys::errno_error("sync") : written;
  }
  head_ = line.head;
  return ok();
}

} // namespace dstack::vault
