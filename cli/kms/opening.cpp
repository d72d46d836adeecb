#include "cli/kms/opening.hpp"

#include "base/text.hpp"
#include "sys/secret_files.hpp"
#include "vault/share_file.hpp"

#include <unistd.h>

namespace dstack::cli {

namespace {

Result<vault::CustodianShare> share_from(const std::string& file, const SecretBytes* passphrase)
{
  const SecretBytes text = TRY(sys::read_secret(file, vault::max_share_file));
  return vault::read_share(text.view(), {passphrase, nullptr}).within("{}", file);
}

} // namespace

void add_opening_options(Leaf& leaf, OpeningOptions& options)
{
  leaf.file("--passphrase-file", options.passphrase_file,
            "The passphrase of the root, in a file only you can read; - is stdin");
  leaf.option("--share", options.shares, "FILE", "A custodian's share").repeats();
  leaf.option("--share-passphrase-file", options.share_passphrase_files, "FILE",
              "The passphrase of the shares: one for all, or one for each in their order")
      .repeats();
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
  const auto words = TRY(passphrases_from(options.share_passphrase_files, options.shares.size()));
  for (std::size_t i = 0; i < options.shares.size(); ++i) {
    const std::string& file = options.shares[i];
    const auto share = TRY(share_from(file, words.empty() ? nullptr : &words[i]));
    static_cast<void>(TRY(in.add(share).within("{}", file)));
  }
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
