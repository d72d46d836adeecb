#pragma once
/// A KMS' root on disk: DIR/root/ with sealed.json (the secrets, encrypted, and who can open them)
/// and public.json (certificates and public keys). root/ appears by one rename after everything in
/// it is on the disk, so there is a whole root or none; nothing here ever replaces one root with
/// another.

#include "sys/files.hpp"
#include "vault/custody.hpp"
#include "vault/root_material.hpp"

#include <variant>

namespace dstack::vault {

struct EpochInfo {
  std::uint32_t epoch = 0;
  std::int64_t created_at = 0; ///< Unix seconds
};

/// Everything about a root that is no secret.
struct PublicRoot {
  ClusterId cluster{};
  Bytes ca_spki{}; ///< SubjectPublicKeyInfo DER: in hex the key provider id that apps pin
  crypto::K256Public k256{};
  Bytes root_ca{};                 ///< certificate, DER
  Bytes temp_ca{};                 ///< certificate, DER
  std::vector<EpochInfo> epochs{}; ///< 0 first

  std::uint32_t current_epoch() const { return epochs.empty() ? 0 : epochs.back().epoch; }
};

/// An open root. Never changes: rotate and refresh make another one.
struct OpenRoot {
  RootMaterial material;
  PublicRoot open;
  Custody custody;
  Secret<32> sealing_key; ///< what sealed.json is encrypted under: opens it again without asking
};

/// Called with the name of each step that was reached, so that a test can end the process there.
using FailPoints = std::function<void(std::string_view point)>;
/// Ends this process with SIGKILL at that step; "list" writes the names of all steps to stderr.
FailPoints crash_at(std::string point);

struct WithPassphrase {
  SecretBytes passphrase;
  crypto::PassphraseCost cost{};
};
struct WithCustodians {
  std::vector<std::string> names; ///< 1 to 255, different ones
  unsigned threshold = 0;         ///< 1 to as many
};
using Guard = std::variant<WithPassphrase, WithCustodians>;

/// What happens between the root's making and the moment from which it counts. A failure of either
/// leaves no root.
struct Birth {
  std::int64_t now = 0; ///< Unix seconds
  /// Attestation of where the keys were born, for bootstrap-info.json; without one there is no such
  /// file. The quote's report data is keys::bootstrap_report_data.
  std::function<Result<Bytes>(const PublicRoot&)> attest{};
  /// Puts the shares (empty for a passphrase) and whatever else belongs to the root where they
  /// last. When it ran and the process ended before the root counted, it runs again, for another
  /// root.
  std::function<Status(const PublicRoot&, const std::vector<ShareFile>&)> before_commit{};
};

class Vault {
public:
  explicit Vault(sys::fs::path directory, FailPoints points = {});

  /// Whether there is a root, whole or damaged: then create and adopt refuse.
  bool exists() const;
  /// The cluster that an interrupted create or adopt left behind, if it got so far: its shares open
  /// nothing and may be deleted.
  std::optional<ClusterId> unfinished() const;
  /// An interrupted create or adopt was here.
  bool interrupted() const;

  /// Errc::not_found, saying what to do, when there is no root.
  Result<PublicRoot> read_public() const;
  Result<Custody> read_custody() const;
  /// bootstrap-info.json (spec kms 4.1); Errc::not_found when the keys' birth was not attested.
  Result<codec::Json> bootstrap_info() const;

  /// A new root. Errc::denied "already bootstrapped" when there is anything of one.
  Result<OpenRoot> create(const Guard& guard, const Birth& birth) const;
  /// The root of another KMS, received by onboarding.
  Result<OpenRoot> adopt(RootMaterial material, const Guard& guard, const Birth& birth) const;

  /// Errc::untrusted for a wrong passphrase. now: certificates that end within a year are made
  /// again (spec kms 4.5).
  Result<OpenRoot> open(const SecretBytes& passphrase, std::int64_t now) const;
  /// Errc::untrusted names each custodian whose share does not fit; Errc::denied says how many
  /// shares are missing.
  Result<OpenRoot> open(const std::vector<crypto::Share>& shares, std::int64_t now) const;
  /// With OpenRoot::sealing_key, to take in what rotate of another process added.
  Result<OpenRoot> reopen(const Secret<32>& sealing_key, std::int64_t now) const;

  /// Adds an epoch and says so on disk before it says so here. Old epochs stay.
  Result<OpenRoot> rotate(const OpenRoot& root, std::int64_t now) const;

  const sys::fs::path& directory() const { return directory_; }

private:
  sys::fs::path directory_;
  FailPoints points_;
};

} // namespace dstack::vault
