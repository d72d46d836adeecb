#pragma once
/// One KMS: its root, open or sealed, its policy, its own evidence; and what changes them. Lives on
/// the loop's thread; requests take snapshots of it to worker threads.

#include "agents/kms/audit_file.hpp"
#include "agents/kms/foundation.hpp"
#include "agents/kms/peer.hpp"
#include "agents/kms/root_keeper.hpp"
#include "agents/kms/unsealing.hpp"
#include "agents/launch/log.hpp"
#include "kmsapi/front.hpp"
#include "net/tls.hpp"
#include "sys/watch.hpp"
#include "sys/workers.hpp"
#include "vault/rotation.hpp"

#include <mutex>
#include <set>

namespace dstack::kmsnode {

class Node {
public:
  /// Opens the logs. Nothing secret yet.
  static Result<std::unique_ptr<Node>>
  create(sys::Loop& loop, Foundation foundation, launch::Log log);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Opens the root when its passphrase is at hand, else begins to wait for whoever can. Blocks.
  Status start();
  /// Watches what can change while it runs: the policy file, our own evidence.
  Status keep_up();

  using Done = std::function<void(Status)>;
  /// The policy file anew; an error leaves the old rules.
  Status reload_policy();
  /// The policy, and what evidence is judged with.
  Status reload();
  /// Takes the root out of memory: when done is called, no request holds it any more.
  void lock(Done done);
  void unlock(SecretBytes passphrase, Done done);
  /// Adds an epoch. A failure may come after that: the root follows the disk all the same.
  void rotate(Done done);
  /// Takes the epochs that another replica has beyond ours: each judges the other as in a join.
  /// done gets how many there were.
  void sync(std::string url, std::function<void(Result<std::size_t>)> done);
  /// A share came in; done gets how many there are, or why it does not do.
  void add_share(Bytes file, std::string from, std::function<void(Result<std::string>)> done);

  // What requests are answered from.
  std::shared_ptr<const kmsapi::State> state() const { return state_; }
  std::shared_ptr<const net::TlsServer> tls() const { return tls_; }
  std::shared_ptr<Unsealing> unsealing() const { return unsealing_; }
  const kmsapi::Outside& outside() const { return outside_; }
  const kmsapi::Arrangement& arrangement() const { return arrangement_; }
  const kms::Settings& settings() const { return on_.settings; }
  sys::fs::path below(const std::string& path) const { return on_.options.below(path); }
  kmsapi::Metrics& metrics() { return metrics_; }
  sys::WorkerPool& workers() { return *pool_; }
  launch::Log& log() { return log_; }
  bool sealed() const { return state_->root == nullptr; }
  std::int64_t self_attested_at() const { return self_at_; }
  std::uint64_t audit_left_out() const { return audit_->left_out(); }
  /// For `dstack kms status`.
  codec::Json status() const;

  /// Something that happened, into the audit log.
  void record(std::string event, std::string reason);

private:
  /// An open root with the certificate that shows it.
  struct Opened {
    std::shared_ptr<const vault::OpenRoot> root{};
    ServerIdentity identity{};
    Result<codec::Json> bootstrap_info{codec::Json{}};
  };
  /// The other state.
  struct Sealed {
    std::shared_ptr<Unsealing> unsealing{}; ///< nullptr: waits for a passphrase
    ServerIdentity identity{};
  };

  Node(sys::Loop& loop, Foundation foundation, launch::Log log);
  Status open();
  void arrange();
  void make_outside();

  IdentityRequest identity_request() const;
  // These run on workers, and touch nothing that changes.
  Result<Opened> prepare(vault::OpenRoot root, const kms::Policy& policy);
  Result<Sealed> prepare_sealed(const kms::Policy& policy, const vault::PublicRoot& shown);
  /// What was made from the state of that generation. It counts; if the rules have changed since,
  /// our own evidence is made anew.
  Status install(Opened opened, std::uint64_t generation);
  Status install(Sealed sealed, std::uint64_t generation);
  void installed(std::uint64_t generation);
  Status serve_with(const ServerIdentity& identity, std::string client_ca_pem);
  void set(kmsapi::State next) { state_ = std::make_shared<const kmsapi::State>(std::move(next)); }

  void refresh_after(std::chrono::milliseconds delay);
  void refresh_self();
  void refreshed(Result<ServerIdentity> identity);
  void ask_peers();
  void ask(const kms::CustodianPeer& peer);
  Result<PeerLink>
  link_to(const std::string& url, const kms::Policy& policy, const std::string& vm_config);
  /// What the disk has now counts here, too.
  Status follow(vault::Rotation rotation, std::string_view event);
  using ShareDone = std::function<void(Result<std::string>)>;
  void share_counted(const std::shared_ptr<Unsealing>& at,
                     const std::string& from,
                     const Result<unsigned>& counted,
                     ShareDone done);
  void open_when_complete(ShareDone done);
  void refuse(std::string event, std::string reason);
  void write_down(kms::AuditRecord record);
  /// Runs work on a worker and its end here; done is told when the queue is full.
  template <class T>
  void offload(std::function<Result<T>()> work, std::function<void(Result<T>)> then);
  /// The same for what opens, seals or changes the root: one at a time, so that none of them comes
  /// back to another root than it was begun with.
  template <class T>
  void change_root(std::string_view change,
                   std::function<Result<T>()> work,
                   std::function<void(Result<T>)> then);

  sys::Loop& loop_;
  Foundation on_;
  launch::Log log_;
  kmsapi::Arrangement arrangement_{};
  kmsapi::Metrics metrics_{};
  kmsapi::Outside outside_{};
  Judge judge_{metrics_};
  mutable std::mutex prover_mutex_;
  Prove prove_;
  vault::Vault vault_;
  std::optional<vault::PublicRoot> public_root_;
  std::optional<vault::Custody> custody_;
  std::unique_ptr<AuditFile> audit_;
  std::unique_ptr<vault::ReplicationFile> replication_;
  std::unique_ptr<RootKeeper> keeper_;
  std::shared_ptr<const kmsapi::State> state_ = std::make_shared<const kmsapi::State>();
  std::shared_ptr<const net::TlsServer> tls_;
  std::shared_ptr<Unsealing> unsealing_;
  std::string policy_problem_; ///< why the file's newest text is not in force; empty when it is
  std::int64_t self_at_ = 0;   ///< Unix seconds
  /// Of what our own evidence is made from: root, policy, prover.
  std::uint64_t generation_ = 0;
  bool refreshing_ = false;
  std::string_view changing_{};    ///< "locked": what is being done to the root; empty: nothing
  std::set<std::string> asking_{}; ///< URLs of the peers who have not answered yet
  std::unique_ptr<sys::DirectoryWatch> watch_;
  sys::Loop::TimerId reload_timer_ = 0;
  sys::Loop::TimerId refresh_timer_ = 0;
  sys::Loop::TimerId peers_timer_ = 0;
  std::unique_ptr<sys::WorkerPool> pool_; ///< last: its work uses all of the above
};

} // namespace dstack::kmsnode
