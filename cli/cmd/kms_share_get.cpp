#include "cli/cmd/add.hpp"
#include "cli/kms/custodian.hpp"
#include "cli/secret_file.hpp"
#include "sys/protect.hpp"
#include "vault/share_file.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string url;
  std::string key;
  std::string to = ".";
  CustodianTrust trust;
};

struct Mine {
  vault::CustodianShare share{};
  ByteView file{};
};

/// The one that our key opens.
Result<Mine> find_mine(const OfferedShares& offered, const Options& o)
{
  const auto key = crypto::BoxKey::from_secret(TRY(read_secret(o.key)));
  vault::ShareKey with;
  with.box = &key;
  for (const Bytes& file : offered.files)
    if (TRY(vault::view_share(file).within("{}", o.url)).to == key.public_key())
      return Mine{TRY(vault::read_share(file, with).within("{}", o.url)), file};
  return fail(Errc::not_found, "{}: none of its {} shares is sealed to the key in {} (its public "
                               "key is {})",
              o.url, offered.files.size(), o.key, hex(key.public_key()));
}

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  const OfferedShares offered = TRY(fetch_shares(o.url, o.trust, ctx));
  const Mine mine = TRY(find_mine(offered, o));
  if (offered.who.simulated)
    ctx.ui().warn("the KMS is attested by a simulated TEE: whoever runs it can read its root");
  const vault::CustodianShare& share = mine.share;
  const sys::fs::path file =
      sys::fs::path{o.to} / vault::share_file_name(share.cluster, share.custodian());
  TRY(sys::write_file_atomic(file, mine.file, sys::Privacy::owner_only));
  if (ctx.ui().json())
    ctx.ui().document(codec::Json{}
                          .set("schema", "dstack.kms.share.get/1")
                          .set("file", file.string())
                          .set("custodian", share.custodian())
                          .set("cluster", hex(share.cluster))
                          .set("threshold", share.circle.threshold())
                          .set("mr_aggregated", hex(offered.who.mr_aggregated)));
  ctx.ui().line(file.string());
  return Exit::ok;
}

} // namespace

void add_kms_share_get(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms share get", "Fetch one's share from a KMS in a VM");
  leaf.argument("URL", o->url, "The KMS, https://…").required();
  leaf.file("--share-key-file", o->key, "Your key, of 'dstack kms share key'").required();
  leaf.directory("--to", o->to, "Where the file is put, still sealed to the key").fallback(".");
  add_custodian_trust(leaf, o->trust);
  leaf.json("dstack.kms.share.get/1")
      .describe("A KMS that 'dstack kms deploy' runs made its root in its VM, and holds the "
                "custodians' shares ready, each sealed to its custodian's key. This command "
                "verifies the attestation in the KMS' certificate, takes the share that the key "
                "opens over that very connection, and checks that it fits what the others got.\n"
                "Keep the file and the key apart from each other and from the KMS: as many shares "
                "as the threshold open the root.")
      .example("dstack kms share get https://kms.example.com:8000 --policy policy.toml "
               "--share-key-file bob.key",
               "Bob fetches his share from a KMS that his policy allows")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
