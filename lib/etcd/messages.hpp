#pragma once
/// Requests and answers of etcd's API, version 3, in JSON (etcd documentation, "gRPC gateway";
/// rpc.proto of 3.4): keys and values are base64, 64-bit numbers are strings, zeros are left out.
/// Nothing here touches the network.

#include "base/bytes.hpp"

#include <variant>

namespace dstack::etcd {

inline constexpr std::size_t max_answer = std::size_t{32} << 20U; ///< one answer, one watch's line
inline constexpr std::size_t max_key = 1024;
/// etcd takes requests of 1.5 MiB; this leaves room for the rest of a transaction.
inline constexpr std::size_t max_value = std::size_t{1} << 20U;

struct KeyValue {
  std::string key{};
  Bytes value{};
  std::int64_t created = 0; ///< revision of the store
  std::int64_t changed = 0; ///< the same; of a deleted key: when it was deleted
  std::int64_t lease = 0;
};

/// That a key was created or last changed at that revision; 0: it is not there.
struct Condition {
  enum class Of { created, changed } of = Of::changed;
  std::string key{};
  std::int64_t revision = 0;
};
struct Put {
  std::string key{};
  Bytes value{};
  std::int64_t lease = 0; ///< goes with it; 0: stays
};
struct Delete {
  std::string key{};
};
/// All operations if all conditions hold, else none.
struct Transaction {
  std::vector<Condition> conditions{};
  bool tells = true; ///< what its conditions' keys hold
  std::vector<std::variant<Put, Delete>> operations{};
};
struct Outcome {
  bool done = false;
  std::int64_t revision = 0; ///< of the store, behind it
  /// When not done, and of a transaction without operations: what the conditions' keys hold, if the
  /// transaction tells.
  std::vector<KeyValue> there{};
};

struct Range {
  std::string key{};
  std::string end{};         ///< the first key beyond; empty: the one key
  std::int64_t revision = 0; ///< as it was then; 0: now
  std::uint64_t limit = 0;   ///< of keys; 0: none
};
struct Found {
  std::int64_t revision = 0; ///< of the store
  std::vector<KeyValue> all{};
  bool more = false;
};

struct Event {
  bool deleted = false;
  KeyValue item{};
};
/// One line of a watch.
struct Notice {
  std::vector<Event> events{};
  bool ended = false;         ///< by etcd
  std::int64_t compacted = 0; ///< with ended: what was asked for is gone, this is the first there
};

struct Lease {
  std::int64_t id = 0;
  std::int64_t seconds = 0; ///< that it lasts; 0: it is over
};

std::string range_request(const Range& what);
/// Both outcomes read, so that a transaction that only asks is answered by the majority as well:
/// it has to tell.
std::string transaction_request(const Transaction& what);
std::string grant_request(std::int64_t seconds);
std::string lease_request(std::int64_t id); ///< to keep one alive, or to revoke it
std::string watch_request(const std::string& key, const std::string& end, std::int64_t from);
std::string authenticate_request(std::string_view user, std::string_view password);

Result<Found> parse_found(std::string_view body);
Result<Outcome> parse_outcome(std::string_view body);
Result<Lease> parse_lease(std::string_view body); ///< of a grant, or the first line of keeping alive
Result<Notice> parse_notice(std::string_view line);
Result<std::string> parse_token(std::string_view body);

/// What an answer that is no success says. Errc::io: another member may do better; Errc::denied:
/// not for us, or our token is over; Errc::not_found: a lease or revision that is gone;
/// Errc::unsupported: more than etcd can say in one answer.
Error refusal(int status, std::string_view body);

/// The first key beyond all that begin with it.
std::string end_of_prefix(std::string prefix);

} // namespace dstack::etcd
