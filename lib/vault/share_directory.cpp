#include "vault/share_directory.hpp"

#include "sys/secret_files.hpp"

namespace dstack::vault {

namespace fs = std::filesystem;

namespace {

Result<SecretBytes> text_of(const CustodianShare& share, const ShareLock& lock)
{
  if (lock.to) return SecretBytes{TRY(write_share(share, *lock.to))};
  if (lock.passphrase.empty()) return write_share(share);
  return SecretBytes{TRY(write_share(share, lock.passphrase, lock.cost))};
}

/// Whether a file holds a share of that sharing; nothing when it holds no share at all.
std::optional<bool> is_of(const fs::path& path, const ClusterId& cluster, const Circle& circle)
{
  const auto text = sys::read_secret(path, max_share_file);
  const auto view = text ? view_share(text->view()) : Result<ShareView>{text.error()};
  if (!view) return std::nullopt;
  return view->cluster == cluster && view->circle == circle;
}

} // namespace

Result<NamedCustodian> parse_custodian(std::string_view text)
{
  NamedCustodian out;
  const std::size_t equals = text.find('=');
  out.name = text.substr(0, equals);
  TRY(check_custodian_name(out.name));
  if (equals != std::string_view::npos)
    out.key =
        TRY(parse_hex_array<32>(text.substr(equals + 1)).within("key of custodian '{}'", out.name));
  return out;
}

Result<std::vector<NamedCustodian>> parse_custodians(const std::vector<std::string>& texts)
{
  std::vector<NamedCustodian> out;
  for (const std::string& text : texts)
    out.push_back(TRY(parse_custodian(text)));
  return out;
}

std::vector<std::string> names_of(const std::vector<NamedCustodian>& custodians)
{
  std::vector<std::string> out;
  for (const NamedCustodian& one : custodians)
    out.push_back(one.name);
  return out;
}

std::vector<ShareLock> locks_of(const std::vector<NamedCustodian>& custodians)
{
  std::vector<ShareLock> out;
  for (const NamedCustodian& one : custodians)
    out.push_back({one.key, {}, {}});
  return out;
}

Status write_share_files(const fs::path& directory,
                         const std::vector<CustodianShare>& shares,
                         const std::vector<ShareLock>& locks,
                         const FailPoints& points)
{
  DSTACK_ASSERT(locks.empty() || locks.size() == shares.size());
  TRY(sys::make_directories(directory, sys::Privacy::owner_only));
  reach(points, "shares.directory");
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const fs::path path = directory / share_file_name(shares[i].cluster, shares[i].custodian());
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(path, ignored)))
      return fail(Errc::denied, "{} is there already", path.string());
    const SecretBytes text = TRY(text_of(shares[i], locks.empty() ? ShareLock{} : locks[i]));
    TRY(replace_file(path, text.view(), points, fmt::format("shares.{}", i + 1)));
  }
  return ok();
}

Status remove_share_files(const fs::path& directory, const ClusterId& cluster, const Circle& circle)
{
  bool any = false;
  const auto remove = [&any](const fs::path& path) {
    any = true;
    return sys::remove_tree(path);
  };
  for (const std::string& name : circle.custodians) {
    const fs::path file = directory / share_file_name(cluster, name);
    const fs::path fresh = fs::path{file}.concat(".new");
    if (is_of(file, cluster, circle).value_or(false)) TRY(remove(file));
    // Half a file tells nothing, and is of no use to anybody.
    std::error_code error;
    if (fs::exists(fresh, error) && is_of(fresh, cluster, circle).value_or(true))
      TRY(remove(fresh));
  }
  return any ? sys::sync_directory(directory) : Status{ok()};
}

} // namespace dstack::vault
