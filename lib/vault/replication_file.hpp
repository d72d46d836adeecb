#pragma once
/// DIR/replication.jsonl: who got the root keys, signed by the root. On the disk before they leave.

#include "kms/replication.hpp"
#include "sys/files.hpp"

#include <mutex>

namespace dstack::vault {

inline constexpr std::string_view replication_log_name = "replication.jsonl";
inline constexpr std::size_t max_replication_log = std::size_t{64} << 20U;

class ReplicationFile {
public:
  explicit ReplicationFile(sys::fs::path path) : path_(std::move(path)) {}

  /// Checks what is there against the root's key and goes on behind it; the first entry says that
  /// this node opened the root.
  Status open(const crypto::K256Public& root, const Secret<32>& root_k256, Time now);
  /// Any thread may append.
  Status append(kms::ReplicationEntry entry, const Secret<32>& root_k256, Time now);

private:
  Status write(kms::ReplicationEntry entry, const Secret<32>& root_k256, Time now);

  sys::fs::path path_;
  std::mutex mutex_;
  sys::Fd fd_;
  kms::ReplicationHead head_{};
};

} // namespace dstack::vault
