#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "crypto/random.hpp"
#include "crypto/sealed_box.hpp"
#include "sys/protect.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string file;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  Secret<32> scalar;
  crypto::random_bytes(scalar.mutable_view());
  const auto key = crypto::BoxKey::from_secret(scalar);
  const sys::Fd fd = TRY(sys::create_new(o.file, sys::Privacy::owner_only));
  TRY(sys::write_all(fd.get(), scalar.view()).within("{}", o.file));
  if (ctx.ui().json())
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.kms.share.key/1")
                          .set("file", o.file)
                          .set("public_key", hex(key.public_key())));
  ctx.ui().line(hex(key.public_key()));
  return Exit::ok;
}

} // namespace

void add_kms_share_key(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms share key", "Make a key that a custodian's share can be sealed to");
  leaf.file_argument("FILE", o->file, "The secret key goes here; a file that is there is refused")
      .required();
  leaf.json("dstack.kms.share.key/1")
      .describe("Writes an X25519 secret key of 32 bytes that only you can read, and prints its "
                "public key. Whoever makes the root names it: 'dstack kms init --custodian "
                "bob=KEY'. The share then never lies open anywhere: only the key's owner opens it, "
                "with --share-key-file.")
      .example("dstack kms share key bob.key", "Make it, and tell the public key to the dealer")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
