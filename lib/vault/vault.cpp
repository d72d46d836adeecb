#include "vault/vault.hpp"

#include "kms/certificates.hpp"
#include "vault/members.hpp"
#include "x509/read.hpp"

namespace dstack::vault {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds lock_wait{10'000};
constexpr const char* sealed_name = "sealed.json";
constexpr const char* public_name = "public.json";
constexpr const char* info_name = "bootstrap-info.json";

/// Files of the published KMS' layout (spec kms 4.1): keys that a new root would leave without an
/// owner.
constexpr std::array<const char*, 3> foreign_names = {"root-ca.key", "root-k256.key", info_name};

bool present(const fs::path& path)
{
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

bool is_good(ByteView certificate, const crypto::P256Key& key, std::int64_t now)
{
  const auto read = x509::read_certificate(certificate);
  return read && read->spki == key.spki_der() && !kms::ends_soon(read->not_after, now);
}

/// What public.json should hold: certificates stay as they are as long as they are good.
Result<PublicRoot>
refreshed(const Result<PublicRoot>& shown, const RootMaterial& material, std::int64_t now)
{
  PublicRoot out = TRY(public_root_of(material, now));
  if (!shown) return out;
  if (is_good(shown->root_ca, material.root.ca, now)) out.root_ca = shown->root_ca;
  if (is_good(shown->temp_ca, material.temp_ca, now)) out.temp_ca = shown->temp_ca;
  return out;
}

/// As GetMeta tells it (spec kms 2.6).
Result<codec::Json> read_info(std::string_view text)
{
  const codec::Json json = TRY(codec::parse_json(text));
  codec::Json out = codec::Json::object();
  for (const char* key : {"ca_pubkey", "k256_pubkey", "attestation"})
    out.set(key, hex(TRY(need_hex(json, key))));
  return out;
}

Error no_root(const fs::path& directory)
{
  return fail(Errc::not_found,
              "{} has no root: make one with 'dstack kms init', or take one over from another KMS",
              directory.string());
}

} // namespace

Vault::Vault(fs::path directory, FailPoints points)
    : directory_(std::move(directory)), points_(std::move(points))
{
}

Status Vault::check_no_root() const
{
  const std::string where = directory_.string();
  if (present(root() / sealed_name) && present(root() / public_name))
    return fail(
        Errc::denied,
        "{} is already bootstrapped: it has a root, and a second one is never made beside it",
        where);
  if (present(root()))
    return fail(
        Errc::denied,
        "{} is already bootstrapped, but its root is damaged ({} or {} is missing): restore "
        "{} from a backup, or take the root over from another KMS into a new directory",
        where, sealed_name, public_name, root().string());
  for (const char* name : foreign_names)
    if (present(directory_ / name))
      return fail(Errc::denied,
                  "{} holds {} of another KMS: use another directory, or move that away first",
                  where, name);
  return ok();
}

bool Vault::exists() const
{
  return !check_no_root();
}

Result<sys::FileLock> Vault::lock(std::string_view what) const
{
  return sys::FileLock::acquire(directory_ / "vault.lock", what, lock_wait);
}

Result<SealedRoot> Vault::sealed() const
{
  if (!present(root())) return no_root(directory_);
  const Bytes text = TRY(sys::read_file(root() / sealed_name, max_document));
  return read_sealed(text).within("{}", (root() / sealed_name).string());
}

Result<PublicRoot> Vault::read_public() const
{
  if (!present(root())) return no_root(directory_);
  const Bytes text = TRY(sys::read_file(root() / public_name, max_document));
  return vault::read_public(text).within("{}", (root() / public_name).string());
}

Result<Custody> Vault::read_custody() const
{
  return TRY(sealed()).custody;
}

Result<codec::Json> Vault::bootstrap_info() const
{
  const std::string text = TRY(sys::read_text(root() / info_name, max_document));
  return read_info(text).within("{}", (root() / info_name).string());
}

Result<OpenRoot> Vault::open(const SecretBytes& passphrase, std::int64_t now) const
{
  const SealedRoot sealed_root = TRY(sealed());
  const Custody& custody = sealed_root.custody;
  if (custody.provider != Provider::passphrase)
    return fail(Errc::denied,
                "the root in {} is opened by {} of {} custodians, not by a passphrase",
                directory_.string(), custody.circle.threshold(), custody.circle.custodians.size());
  const Secret<32> key = TRY(crypto::argon2id(passphrase.view(), custody.salt, custody.cost));
  auto out = unsealed(sealed_root, key, now);
  if (!out && out.error().code() == Errc::untrusted)
    return std::move(out).within("wrong passphrase, or {} was changed",
                                 (root() / sealed_name).string());
  return out;
}

Result<OpenRoot> Vault::open(const std::vector<crypto::Share>& shares, std::int64_t now) const
{
  const SealedRoot sealed_root = TRY(sealed());
  if (sealed_root.custody.provider != Provider::quorum)
    return fail(Errc::denied, "the root in {} is opened by a passphrase, not by custodians",
                directory_.string());
  const Circle& circle = sealed_root.custody.circle;
  for (const crypto::Share& share : shares)
    TRY(check_share({sealed_root.cluster, circle, share}));
  const auto scalar = TRY(crypto::combine(shares, circle.commitments));
  return unsealed(sealed_root, quorum_key(scalar, sealed_root.cluster), now);
}

Result<OpenRoot> Vault::reopen(const Secret<32>& sealing_key, std::int64_t now) const
{
  return unsealed(TRY(sealed()), sealing_key, now);
}

/// sealed.json is what counts. public.json follows from it and is written again when it is damaged,
/// behind, or its certificates are about to end.
Result<OpenRoot>
Vault::unsealed(const SealedRoot& from, const Secret<32>& key, std::int64_t now) const
{
  RootMaterial material = TRY(unseal_root(from, key));
  const auto shown = read_public();
  if (shown && shown->cluster != from.cluster)
    return fail(Errc::untrusted,
                "{} and {} in {} are of two roots: restore the directory from a "
                "backup",
                public_name, sealed_name, root().string());
  if (!shown && shown.error().code() == Errc::io) return shown.error();
  PublicRoot wanted = TRY(refreshed(shown, material, now));
  if (!shown || *shown != wanted) {
    const sys::FileLock held = TRY(lock("writing the public part of a KMS' root"));
    TRY(replace_file(root() / public_name, write_public(wanted), points_, "open.public"));
  }
  return OpenRoot{std::move(material), std::move(wanted), from.custody, key};
}

Result<OpenRoot> Vault::rotate(const OpenRoot& from, std::int64_t now) const
{
  return grow(from, now, [&](const RootMaterial& on_disk) { return with_new_epoch(on_disk, now); });
}

Result<OpenRoot>
Vault::extend(const OpenRoot& from, const RootMaterial& theirs, std::int64_t now) const
{
  return grow(from, now,
              [&](const RootMaterial& on_disk) { return with_epochs_of(on_disk, theirs); });
}

Result<OpenRoot> Vault::grow(const OpenRoot& from, std::int64_t now, const Grow& grown) const
{
  const sys::FileLock held = TRY(lock("adding an epoch to a KMS' root"));
  reach(points_, "rotate.locked");
  const RootMaterial on_disk = TRY(unseal_root(TRY(sealed()), from.sealing_key));
  if (on_disk.epochs.size() != from.material.epochs.size())
    return fail(Errc::denied, "epoch {} was added meanwhile", on_disk.current_epoch());
  RootMaterial material = TRY(grown(on_disk));
  PublicRoot shown = TRY(refreshed(from.open, material, now));
  const SealedRoot again = seal_root(material, from.custody, from.sealing_key);
  TRY(replace_file(root() / sealed_name, write_sealed(again), points_, "rotate.sealed"));
  TRY(replace_file(root() / public_name, write_public(shown), points_, "rotate.public"));
  return OpenRoot{std::move(material), std::move(shown), from.custody, from.sealing_key};
}

} // namespace dstack::vault
