#pragma once
/// A KMS' root on disk: DIR/root/ with sealed.json (the secrets, encrypted, and who can open them),
/// public.json (certificates and public keys) and bootstrap-info.json. root/ appears by one rename
/// after everything in it is on the disk, so there is a whole root or none; nothing here ever
/// replaces one root with another.

#include "sys/files.hpp"
#include "vault/crash.hpp"
#include "vault/documents.hpp"
#include <variant>

namespace dstack::vault {

/// An open root. Never changes: rotate and reopen make another one.
struct OpenRoot {
  RootMaterial material;
  PublicRoot open;
  Custody custody;
  Secret<32> sealing_key; ///< what sealed.json is encrypted under: opens it again without asking
};

struct WithPassphrase {
  SecretBytes passphrase;
  crypto::PassphraseCost cost{};
};
struct WithCustodians {
  std::vector<std::string> names; ///< 1 to 255, different ones
  unsigned threshold = 0;         ///< 1 to as many
};
using Guard = std::variant<WithPassphrase, WithCustodians>;

/// A root that is made, but does not count yet.
struct Newborn {
  const PublicRoot& open;
  const std::vector<CustodianShare>& shares; ///< empty for a passphrase
  /// An earlier attempt was interrupted: files that it wrote outside root/ may be there.
  bool after_interruption = false;
};

/// What a new root's owner adds. All of it happens under the vault's lock; a failure leaves no
/// root.
struct Birth {
  std::int64_t now = 0; ///< Unix seconds
  /// Called first when an interrupted attempt may have handed out shares: they open nothing.
  std::function<Status(const ClusterId&, const Circle&)> abandon{};
  /// Attestation of where the keys were born, for bootstrap-info.json; without one there is no such
  /// file. The quote's report data is keys::bootstrap_report_data.
  std::function<Result<Bytes>(const PublicRoot&)> attest{};
  /// Puts the shares and whatever else belongs to the root where they last. Required with
  /// custodians: no root counts whose shares were not handed out.
  std::function<Status(const Newborn&)> before_commit{};
};

class Vault {
public:
  explicit Vault(sys::fs::path directory, FailPoints points = {});

  const sys::fs::path& directory() const { return directory_; }
  /// Whether there is anything of a root, whole or damaged: then create and adopt refuse.
  bool exists() const;

  /// Errc::not_found, saying what to do, when there is no root.
  Result<PublicRoot> read_public() const;
  Result<Custody> read_custody() const;
  /// bootstrap-info.json (spec kms 4.1): three members in hex. Errc::not_found when the keys' birth
  /// was not attested, Errc::malformed for anything else.
  Result<codec::Json> bootstrap_info() const;

  /// A new root. Errc::denied "already bootstrapped" when there is anything of one.
  Result<OpenRoot> create(const Guard& guard, const Birth& birth) const;
  /// The root of another KMS, received by onboarding.
  Result<OpenRoot> adopt(RootMaterial material, const Guard& guard, const Birth& birth) const;

  /// Errc::untrusted for a wrong passphrase, Errc::denied when it is custodians who open this root.
  /// now: certificates that end within a year are made again (spec kms 4.5).
  Result<OpenRoot> open(const SecretBytes& passphrase, std::int64_t now) const;
  /// Shares as a ShareCollector took them in. Errc::denied says how many are missing.
  Result<OpenRoot> open(const std::vector<crypto::Share>& shares, std::int64_t now) const;
  /// With OpenRoot::sealing_key, to take in what rotate of another process added.
  Result<OpenRoot> reopen(const Secret<32>& sealing_key, std::int64_t now) const;

  /// Adds an epoch, on disk before it is returned. Old epochs stay. Errc::denied when root is not
  /// what is on the disk now (another process rotated): reopen first.
  Result<OpenRoot> rotate(const OpenRoot& root, std::int64_t now) const;

  /// Adds the epochs that another replica has beyond ours, in the same way. Errors of
  /// with_epochs_of, too.
  Result<OpenRoot> extend(const OpenRoot& root, const RootMaterial& theirs, std::int64_t now) const;

private:
  using Grow = std::function<Result<RootMaterial>(const RootMaterial& on_disk)>;
  Result<OpenRoot> grow(const OpenRoot& from, std::int64_t now, const Grow& grown) const;
  sys::fs::path root() const { return directory_ / "root"; }
  sys::fs::path pending() const { return directory_ / "root.pending"; }
  Status check_no_root() const;
  Result<sys::FileLock> lock(std::string_view what) const;
  Result<SealedRoot> sealed() const;
  Result<OpenRoot> unsealed(const SealedRoot& root, const Secret<32>& key, std::int64_t now) const;
  Result<OpenRoot>
  put(RootMaterial material, const Guard& guard, const Birth& birth, std::string_view step) const;
  Status clear_pending(const Birth& birth, std::string_view step) const;

  sys::fs::path directory_;
  FailPoints points_;
};

} // namespace dstack::vault
