#pragma once
/// The audit log: one JSON object a line, chained by hashes, so that a changed, missing or moved
/// line shows. The hash is of the line's own bytes without its last member:
///   sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum
/// Secrets never get in: a record has no field that could hold one.

#include "base/text.hpp"
#include "kms/boot_info.hpp"
#include "kms/log_lines.hpp"

namespace dstack::kms {

inline constexpr std::size_t max_audit_line = std::size_t{64} << 10U;

/// Something that happened at a KMS.
struct AuditRecord {
  std::string event{};                  ///< "GetAppKey", "SignCert", "policy-loaded", "start"
  std::string peer{};                   ///< address of the caller; empty when nobody called
  std::optional<Role> role{};           ///< when a policy was asked
  std::optional<BootInfo> caller{};     ///< once it is proven who calls
  std::optional<bool> allowed{};        ///< when something was decided
  std::string reason{};                 ///< why not, or what happened
  std::optional<std::uint32_t> epoch{}; ///< of the keys released
  /// More, by name: "policy" (SHA-256 of the file), "spki", "took_ms". Strings only.
  std::vector<std::pair<std::string, std::string>> details{};
};

/// Where a chain stands: what the next line continues from.
struct AuditHead {
  std::uint64_t lines = 0;     ///< also the last line's "seq"
  crypto::Sha256Digest hash{}; ///< of the last line; zero before the first
  std::int64_t time = 0;       ///< of the last line, Unix seconds
  bool operator==(const AuditHead&) const = default;
};

struct AuditLine {
  std::string text{}; ///< without line feed
  AuditHead head{};
};
/// The next line and the head after it. Text that is too long is cut. Time that went backwards is
/// written as it is: verification counts it.
AuditLine audit_line(const AuditHead& head, const AuditRecord& record, Time at);

/// Checks lines in order as they come.
class AuditChain {
public:
  AuditChain() = default;
  /// Continues a chain whose earlier lines were checked elsewhere.
  explicit AuditChain(const AuditHead& head) : head_(head) {}

  /// One line without its line feed; what it holds. Errors are Errc::malformed for a very first
  /// line that is no record, Errc::untrusted for whatever breaks the chain; the head stays.
  Result<codec::Json> next(std::string_view line);
  const AuditHead& head() const { return head_; }
  /// Lines whose time is before that of the line before.
  std::uint64_t backwards() const { return backwards_; }

private:
  AuditHead head_{};
  std::uint64_t backwards_ = 0;
};

struct AuditSummary : LinesEnd {
  AuditHead head{};
  std::int64_t first_time = 0; ///< Unix seconds
  std::uint64_t allowed = 0;
  std::uint64_t refused = 0;
  std::uint64_t backwards = 0;
};
/// Of a whole file, continuing from a head when the log was cut into files. Errors name the line.
Result<AuditSummary> verify_audit(std::string_view text, const AuditHead& from = {});

/// Where a log continues, from its last line alone: checks that line, not the chain before it.
Result<AuditHead> audit_head_of(std::string_view last_line);

/// A record back from its line, for showing.
Result<AuditRecord> audit_record_of(const codec::Json& json);

} // namespace dstack::kms
