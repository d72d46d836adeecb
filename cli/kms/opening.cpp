#include "cli/kms/opening.hpp"

#include "base/text.hpp"
#include "cli/secret_file.hpp"
#include "sys/secret_files.hpp"

#include <algorithm>
#include <unistd.h>

namespace dstack::cli {

namespace {

Result<vault::CustodianShare> open_share(const std::string& file,
                                         const SecretBytes* passphrase,
                                         const std::vector<crypto::BoxKey>& keys)
{
  const SecretBytes text = TRY(sys::read_secret(file, vault::max_share_file));
  const auto view = TRY(vault::view_share(text.view()).within("{}", file));
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const crypto::BoxKey& one) {
    return one.public_key() == view.to;
  });
  const vault::ShareKey with{passphrase, key == keys.end() ? nullptr : &*key};
  return vault::read_share(text.view(), with).within("{}", file);
}

} // namespace

void add_share_key_options(Leaf& leaf, ShareKeyFiles& files)
{
  leaf.option("--share-passphrase-file", files.passphrases, "FILE",
              "The passphrase of the shares: one for all, or one for each in their order")
      .repeats();
  leaf.option("--share-key-file", files.keys, "FILE",
              "A custodian's key, for shares that are sealed to it")
      .repeats();
}

void add_opening_options(Leaf& leaf, OpeningOptions& options)
{
  leaf.file("--passphrase-file", options.passphrase_file,
            "The passphrase of the root, in a file only you can read; - is stdin");
  leaf.option("--share", options.shares, "FILE", "A custodian's share").repeats();
  add_share_key_options(leaf, options.share_keys);
}

Result<SecretBytes> passphrase_from(const std::string& file)
{
  return file == "-" ? sys::read_passphrase(STDIN_FILENO, "stdin") : sys::read_passphrase(file);
}

Result<std::vector<SecretBytes>> passphrases_from(const std::vector<std::string>& files,
                                                  std::size_t wanted)
{
  std::vector<SecretBytes> out;
  if (files.empty()) return out;
  if (files.size() != 1 && files.size() != wanted)
    return fail(Errc::usage,
                "--share-passphrase-file is given {} times for {} shares (want one "
                "for all, or one for each)",
                files.size(), wanted);
  out.reserve(wanted);
  for (const std::string& file : files)
    out.push_back(TRY(passphrase_from(file)));
  while (out.size() < wanted)
    out.push_back(out.front());
  return out;
}

Result<std::vector<vault::CustodianShare>> open_shares(const std::vector<std::string>& files,
                                                       const ShareKeyFiles& with)
{
  const auto words = TRY(passphrases_from(with.passphrases, files.size()));
  std::vector<crypto::BoxKey> keys;
  for (const std::string& file : with.keys)
    keys.push_back(crypto::BoxKey::from_secret(TRY(read_secret(file))));
  std::vector<vault::CustodianShare> out;
  for (std::size_t i = 0; i < files.size(); ++i)
    out.push_back(TRY(open_share(files[i], words.empty() ? nullptr : &words[i], keys)));
  return out;
}

Result<vault::OpenRoot>
open_root(const vault::Vault& vault, const OpeningOptions& options, std::int64_t now)
{
  const vault::PublicRoot shown = TRY(vault.read_public());
  const vault::Custody custody = TRY(vault.read_custody());
  const bool by_passphrase = custody.provider == vault::Provider::passphrase;
  if (by_passphrase && !options.passphrase_file.empty() && options.shares.empty())
    return vault.open(TRY(passphrase_from(options.passphrase_file)), now);
  if (by_passphrase || options.shares.empty() || !options.passphrase_file.empty())
    return fail(Errc::usage, "the root in {} is opened by {}: give {}", vault.directory().string(),
                describe(custody),
                by_passphrase ? "--passphrase-file" : "--share for each of them");
  vault::ShareCollector in{shown.cluster, custody.circle};
  const auto shares = TRY(open_shares(options.shares, options.share_keys));
  for (std::size_t i = 0; i < shares.size(); ++i)
    static_cast<void>(TRY(in.add(shares[i]).within("{}", options.shares[i])));
  if (!in.complete())
    return fail(Errc::denied, "{} of the {} shares that open the root in {}", in.have(), in.need(),
                vault.directory().string());
  return vault.open(in.shares(), now);
}

std::string describe(const vault::Custody& custody)
{
  if (custody.provider == vault::Provider::passphrase) return "a passphrase";
  return fmt::format("any {} of {}", custody.circle.threshold(),
                     join(custody.circle.custodians, ", "));
}

} // namespace dstack::cli
