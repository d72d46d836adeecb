#include "cli/kms/init.hpp"

#include "base/text.hpp"
#include "cli/kms/opening.hpp"
#include "kms/certificates.hpp"
#include "kms/policy.hpp"
#include "vault/share_directory.hpp"

#include <algorithm>

namespace dstack::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t least_passphrase = 12;

Result<std::vector<vault::NamedCustodian>> custodians_of(const KmsInitOptions& o)
{
  if (!o.custodians.empty() && o.custodian_count != 0)
    return fail(Errc::usage, "--custodians counts them, --custodian names them: give one of both");
  auto out = TRY(as_usage(vault::parse_custodians(o.custodians).within("--custodian")));
  const std::uint64_t count = std::min<std::uint64_t>(o.custodian_count, crypto::max_shares + 1);
  for (std::uint64_t i = 1; i <= count; ++i)
    out.push_back({fmt::format("custodian-{}", i), {}});
  return out;
}

/// What each share is kept under: the custodian's key, else a passphrase, else nothing.
Result<std::vector<vault::ShareLock>> locks_of(const KmsInitOptions& o)
{
  const auto custodians = TRY(custodians_of(o));
  auto words = TRY(passphrases_from(o.share_passphrase_files, custodians.size()));
  std::vector<vault::ShareLock> out;
  for (std::size_t i = 0; i < custodians.size(); ++i) {
    if (custodians[i].key && !words.empty())
      return fail(Errc::usage, "--share-passphrase-file: the share of '{}' is sealed to a key",
                  custodians[i].name);
    out.push_back({custodians[i].key, words.empty() ? SecretBytes{} : std::move(words[i]), {}});
  }
  return out;
}

Result<vault::Guard> passphrase_guard(const KmsInitOptions& o)
{
  SecretBytes words = TRY(passphrase_from(o.passphrase_file));
  if (words.size() < least_passphrase)
    return fail(Errc::usage, "a passphrase of {} bytes can be guessed (want {} at least)",
                words.size(), least_passphrase);
  return vault::Guard{vault::WithPassphrase{std::move(words), {}}};
}

Status check_shares_to(const KmsInitOptions& o)
{
  if (o.shares_to.empty())
    return fail(Errc::usage, "--shares-to is missing: where the custodians' shares are put");
  const fs::path inside = fs::weakly_canonical(o.directory);
  const fs::path place = fs::weakly_canonical(o.shares_to);
  if (std::mismatch(inside.begin(), inside.end(), place.begin(), place.end()).first == inside.end())
    return fail(Errc::usage, "--shares-to {} is inside {}: shares and what they open belong apart",
                o.shares_to, o.directory);
  return ok();
}

Result<vault::Guard> guard_of(const KmsInitOptions& o)
{
  const auto names = vault::names_of(TRY(custodians_of(o)));
  if (names.empty() && o.passphrase_file.empty())
    return fail(Errc::usage,
                "who can open the root? Give --passphrase-file FILE, or --custodians N "
                "--threshold T --shares-to DIRECTORY");
  if (!names.empty() && !o.passphrase_file.empty())
    return fail(Errc::usage, "the root is opened by a passphrase or by custodians, not by both");
  if (names.empty()) {
    if (o.threshold != 0 || !o.shares_to.empty() || !o.share_passphrase_files.empty())
      return fail(Errc::usage, "--threshold, --shares-to and --share-passphrase-file need "
                               "--custodians");
    return passphrase_guard(o);
  }
  if (o.threshold == 0)
    return fail(Errc::usage, "--threshold is missing: how many of the custodians open the root");
  TRY(check_shares_to(o));
  const auto threshold = static_cast<unsigned>(std::min<std::uint64_t>(o.threshold, UINT16_MAX));
  return vault::Guard{vault::WithCustodians{names, threshold}};
}

Result<kms::Settings> wanted_settings(const KmsInitOptions& o)
{
  kms::Settings out;
  out.development = o.development;
  // A simulated TEE has nothing to prove about the machine it is on.
  out.self_authorization = !o.development;
  for (const std::string& domain : o.domains)
    TRY(as_usage(kms::check_domain(domain).within("--domain")));
  if (!o.domains.empty()) out.domains = o.domains;
  if (!o.listen.empty()) out.listen = TRY(as_usage(kms::parse_listen(o.listen).within("--listen")));
  // Read as the agent will read it: what is refused is refused now.
  return as_usage(kms::settings_from_toml(kms::settings_text(out), "settings"));
}

/// Writes what a root's owner needs beside it.
class Owner {
public:
  Owner(const KmsInitOptions& options,
        kms::Settings wanted,
        std::vector<vault::ShareLock> locks,
        const vault::FailPoints& points)
      : options_(options), locks_(std::move(locks)), points_(points)
  {
    out_.settings = std::move(wanted);
  }

  vault::Birth birth(std::int64_t now)
  {
    vault::Birth out;
    out.now = now;
    out.abandon = [this](const vault::ClusterId& left, const vault::Circle& circle) -> Status {
      if (options_.shares_to.empty()) return ok();
      return vault::remove_share_files(options_.shares_to, left, circle);
    };
    out.before_commit = [this](const vault::Newborn& newborn) { return prepare(newborn); };
    return out;
  }
  InitialisedKms take() { return std::move(out_); }

private:
  Status prepare(const vault::Newborn& newborn)
  {
    const fs::path directory = options_.directory;
    const fs::path settings = directory / "kms.toml";
    out_.settings_kept = !newborn.after_interruption && fs::exists(settings);
    if (out_.settings_kept)
      TRY(adopt(settings));
    else
      TRY(vault::replace_file(settings, as_bytes(kms::settings_text(out_.settings)), points_,
                              "init.settings"));
    const fs::path policy = directory / out_.settings.policy_file;
    out_.policy_kept = !newborn.after_interruption && fs::exists(policy);
    if (out_.policy_kept)
      TRY(read_policy(policy));
    else
      TRY(vault::replace_file(policy, as_bytes(kms::policy_text(arrangement())), points_,
                              "init.policy"));
    if (newborn.shares.empty()) return ok();
    for (const vault::CustodianShare& share : newborn.shares)
      out_.shares.push_back(fs::path{options_.shares_to} /
                            vault::share_file_name(share.cluster, share.custodian()));
    return vault::write_share_files(options_.shares_to, newborn.shares, locks_, points_);
  }

  kms::Arrangement arrangement() const
  {
    return out_.settings.development ? kms::Arrangement::development : kms::Arrangement::production;
  }

  /// Settings that somebody prepared stay as they are, and must be ones.
  Status adopt(const fs::path& file)
  {
    if (!options_.domains.empty() || !options_.listen.empty() || options_.development)
      return fail(Errc::usage,
                  "{} is there already: change it instead of giving --domain, --listen "
                  "or --development, or move it away",
                  file.string());
    const std::string text = TRY(sys::read_text(file, kms::max_settings));
    out_.settings = TRY(kms::settings_from_toml(text, file.string()));
    return ok();
  }

  static Status read_policy(const fs::path& file)
  {
    const std::string text = TRY(sys::read_text(file, kms::max_policy));
    static_cast<void>(TRY(kms::policy_from_toml(text, file.string())));
    return ok();
  }

  const KmsInitOptions& options_;
  std::vector<vault::ShareLock> locks_;
  const vault::FailPoints& points_;
  InitialisedKms out_;
};

} // namespace

Result<InitialisedKms> init_kms(const KmsInitOptions& o, Context& ctx)
{
  const vault::FailPoints points =
      o.crash_at.empty() ? vault::FailPoints{} : vault::crash_at(o.crash_at);
  const vault::Vault vault{o.directory, points};
  const vault::Guard guard = TRY(guard_of(o));
  const kms::Settings settings = TRY(wanted_settings(o));
  Owner owner{o, settings, TRY(locks_of(o)), points};
  const vault::OpenRoot made = TRY(vault.create(guard, owner.birth(ctx.now().seconds())));
  InitialisedKms out = owner.take();
  out.root = made.open;
  out.custody = made.custody;
  for (const vault::NamedCustodian& one : TRY(custodians_of(o)))
    if (!one.key && o.share_passphrase_files.empty()) ++out.open_shares;
  return out;
}

} // namespace dstack::cli
