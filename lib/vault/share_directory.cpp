#include "vault/share_directory.hpp"

#include "sys/secret_files.hpp"

#include <algorithm>

namespace dstack::vault {

namespace fs = std::filesystem;

namespace {

Result<SecretBytes> text_of(const CustodianShare& share,
                            const SecretBytes* passphrase,
                            const crypto::PassphraseCost& cost)
{
  if (passphrase == nullptr) return write_share(share);
  return SecretBytes{TRY(write_share(share, *passphrase, cost))};
}

/// A share file of that cluster, or what an interruption left of one.
bool is_of(const fs::path& path, const ClusterId& cluster)
{
  const std::string name = path.filename().string();
  const std::string prefix = share_file_name(cluster, "");
  if (!name.starts_with(prefix.substr(0, prefix.find('.')))) return false;
  if (name.ends_with(".json.new")) return true;
  if (!name.ends_with(".json")) return false;
  const auto text = sys::read_secret(path, max_share_file);
  if (!text) return false;
  const auto view = view_share(text->view());
  return view && view->cluster == cluster;
}

} // namespace

Status write_share_files(const fs::path& directory,
                         const std::vector<CustodianShare>& shares,
                         const std::vector<SecretBytes>& passphrases,
                         const crypto::PassphraseCost& cost,
                         const FailPoints& points)
{
  DSTACK_ASSERT(passphrases.empty() || passphrases.size() == shares.size());
  TRY(sys::make_directories(directory, sys::Privacy::owner_only));
  reach(points, "shares.directory");
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const fs::path path = directory / share_file_name(shares[i].cluster, shares[i].custodian());
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(path, ignored)))
      return fail(Errc::denied, "{} is there already", path.string());
    const SecretBytes text =
        TRY(text_of(shares[i], passphrases.empty() ? nullptr : &passphrases[i], cost));
    TRY(replace_file(path, text.view(), points, fmt::format("shares.{}", i + 1)));
  }
  return ok();
}

Status remove_share_files(const fs::path& directory, const ClusterId& cluster)
{
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at{directory, error}; !error && at != fs::directory_iterator{};
       at.increment(error))
    if (is_of(at->path(), cluster)) found.push_back(at->path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::io, "list {}: {}", directory.string(), error.message());
  for (const fs::path& path : found)
    TRY(sys::remove_tree(path));
  return found.empty() ? Status{ok()} : sys::sync_directory(directory);
}

} // namespace dstack::vault
