#include "crypto/random.hpp"
#include "vault/vault.hpp"

#include <unistd.h>

namespace dstack::vault {

namespace fs = std::filesystem;

namespace {

/// How a root is kept, with what that takes.
struct Keeping {
  Custody custody{};
  Secret<32> key{};
  std::vector<CustodianShare> shares{};
};

Result<Keeping> keep(const ClusterId&, const WithPassphrase& with)
{
  if (with.passphrase.empty()) return fail(Errc::usage, "the passphrase is empty");
  Keeping out;
  out.custody.cost = with.cost;
  crypto::random_bytes(out.custody.salt);
  out.key = TRY(crypto::argon2id(with.passphrase.view(), out.custody.salt, with.cost));
  return out;
}

Result<Keeping> keep(const ClusterId& cluster, const WithCustodians& with)
{
  const auto scalar = crypto::RistrettoScalar::random();
  const unsigned count =
      static_cast<unsigned>(std::min<std::size_t>(with.names.size(), UINT16_MAX));
  const crypto::Sharing sharing = TRY(crypto::split(scalar, count, with.threshold));
  Keeping out;
  out.custody.provider = Provider::quorum;
  out.custody.circle = {with.names, sharing.commitments};
  TRY(check_circle(out.custody.circle));
  out.key = quorum_key(scalar, cluster);
  for (const crypto::Share& share : sharing.shares)
    out.shares.push_back({cluster, out.custody.circle, share});
  return out;
}

Bytes info_text(const PublicRoot& root, ByteView attestation)
{
  const auto json = codec::Json::object()
                        .set("ca_pubkey", hex(root.ca_spki))
                        .set("k256_pubkey", hex(root.k256))
                        .set("attestation", hex(attestation));
  return to_bytes(codec::write_json(json, {.indent = 2}) + "\n");
}

Result<std::vector<fs::path>> entries(const fs::path& directory)
{
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at{directory, error}; !error && at != fs::directory_iterator{};
       at.increment(error))
    out.push_back(at->path());
  if (error) return fail(Errc::io, "list {}: {}", directory.string(), error.message());
  return out;
}

} // namespace

/// Empties root.pending, but leaves it: as long as it is there, files beside it may be from an
/// attempt that was interrupted.
Status Vault::clear_pending(const Birth& birth, std::string_view step) const
{
  std::error_code error;
  const auto type = fs::symlink_status(pending(), error).type();
  if (type == fs::file_type::not_found) return ok();
  if (type != fs::file_type::directory)
    return fail(Errc::denied, "{} is in the way: it is no directory", pending().string());
  const auto text = sys::read_file(pending() / "sealed.json", max_document);
  const auto left = text ? read_sealed(*text) : Result<SealedRoot>{text.error()};
  if (birth.abandon && left && left->custody.provider == Provider::quorum)
    TRY(birth.abandon(left->cluster, left->custody.circle));
  reach(points_, fmt::format("{}.abandoned", step));
  for (const fs::path& path : TRY(entries(pending()))) {
    TRY(sys::remove_tree(path));
    reach(points_, fmt::format("{}.removed.{}", step, path.filename().string()));
  }
  return ok();
}

Result<OpenRoot> Vault::put(RootMaterial material,
                            const Guard& guard,
                            const Birth& birth,
                            std::string_view step) const
{
  const auto at = [&](std::string_view what) { reach(points_, fmt::format("{}.{}", step, what)); };
  const auto named = [&](std::string_view what) { return fmt::format("{}.{}", step, what); };
  DSTACK_ASSERT(std::holds_alternative<WithPassphrase>(guard) || birth.before_commit);
  if (material.created_at == 0) material.created_at = birth.now;
  PublicRoot shown = TRY(public_root_of(material, birth.now));
  Keeping keeping =
      TRY(std::visit([&](const auto& with) { return keep(shown.cluster, with); }, guard));
  const SealedRoot hidden = seal_root(material, keeping.custody, keeping.key);

  TRY(sys::make_directories(directory_, sys::Privacy::owner_only));
  at("directory");
  const sys::FileLock held = TRY(lock("making the root of a KMS"));
  at("locked");
  TRY(check_no_root());
  std::error_code ignored;
  const bool after_interruption = fs::exists(pending(), ignored);
  TRY(clear_pending(birth, step));
  TRY(sys::make_directories(pending(), sys::Privacy::owner_only));
  at("pending");
  TRY(write_new_file(pending() / "sealed.json", write_sealed(hidden), points_, named("sealed")));
  TRY(write_new_file(pending() / "public.json", write_public(shown), points_, named("public")));
  if (birth.attest) {
    const Bytes attestation = TRY(birth.attest(shown));
    at("attested");
    TRY(write_new_file(pending() / "bootstrap-info.json", info_text(shown, attestation), points_,
                       named("info")));
  }
  TRY(sys::sync_directory(pending()));
  at("synced");
  if (birth.before_commit)
    TRY(birth.before_commit(Newborn{shown, keeping.shares, after_interruption}));
  at("handed-out");
  if (::rename(pending().c_str(), root().c_str()) != 0)
    return sys::errno_error(fmt::format("rename {}", pending().string()));
  at("renamed");
  TRY(sys::sync_directory(directory_));
  at("committed");
  return OpenRoot{std::move(material), std::move(shown), std::move(keeping.custody),
                  std::move(keeping.key)};
}

Result<OpenRoot> Vault::create(const Guard& guard, const Birth& birth) const
{
  TRY(check_no_root()); // before the time that a passphrase takes
  return put(generate_root(), guard, birth, "create");
}

Result<OpenRoot> Vault::adopt(RootMaterial material, const Guard& guard, const Birth& birth) const
{
  TRY(check_no_root());
  return put(std::move(material), guard, birth, "adopt");
}

} // namespace dstack::vault
