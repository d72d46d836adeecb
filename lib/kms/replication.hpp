#pragma once
/// The replication log: who got the root keys, when. Every entry is signed by the root k256 key, so
/// that anybody who knows its public key can check the whole list, and names the entry before it.

#include "base/text.hpp"
#include "crypto/k256.hpp"
#include "kms/boot_info.hpp"
#include "kms/log_lines.hpp"

namespace dstack::kms {

inline constexpr std::size_t max_replication_line = std::size_t{64} << 10U;

enum class ReplicationEvent {
  opened,  ///< first entry: this KMS began to serve, made or got its roots
  joined,  ///< another KMS got the root keys
  rotated, ///< an epoch was added
  retired  ///< a replica was struck off: it still has what it got
};
std::string_view name_of(ReplicationEvent event);

struct ReplicationEntry {
  ReplicationEvent event = ReplicationEvent::opened;
  std::string node{};            ///< id of the KMS that writes: the same in every entry of a log
  std::string about{};           ///< in words: an address, a domain, "epoch 2"
  crypto::Sha256Digest spki{};   ///< SHA-256 of the joined KMS' RA-TLS key; zero when there is none
  std::optional<BootInfo> who{}; ///< as it proved itself
  std::uint32_t epoch = 0;       ///< the newest one then
};

struct ReplicationHead {
  std::uint64_t entries = 0;
  crypto::Sha256Digest hash{}; ///< SHA-256 of the last line with its signature; zero before
  std::string node{};          ///< of every entry; empty before the first
};

struct ReplicationLine {
  std::string text{}; ///< without line feed
  ReplicationHead head{};
};
/// The next line and the head after it. The scalar must be valid. Errc::internal when the node is
/// not that of the log.
Result<ReplicationLine> replication_line(const ReplicationHead& head,
                                         const ReplicationEntry& entry,
                                         Time at,
                                         const Secret<32>& root_k256);

/// Checks entries in order as they come.
class ReplicationChain {
public:
  explicit ReplicationChain(const crypto::K256Public& root) : root_(root) {}
  /// As AuditChain::next. Errc::untrusted also for a signature that is not the root's.
  Result<codec::Json> next(std::string_view line);
  const ReplicationHead& head() const { return head_; }

private:
  crypto::K256Public root_;
  ReplicationHead head_{};
};

struct ReplicationSummary : LinesEnd {
  ReplicationHead head{};
  std::vector<ReplicationEntry> entries{};
  std::vector<std::int64_t> times{}; ///< Unix seconds, of each entry
};
/// Of a whole file. Errors name the line.
Result<ReplicationSummary> verify_replication(std::string_view text,
                                              const crypto::K256Public& root);

/// What is signed: Keccak-256 of "dstack-kms-replication-v1:" and the line's bytes without its last
/// member.
crypto::Sha256Digest replication_digest(std::string_view unsigned_line);

Result<ReplicationEntry> replication_entry_of(const codec::Json& json);

} // namespace dstack::kms
