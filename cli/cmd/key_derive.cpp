#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "cli/secret_file.hpp"
#include "crypto/k256.hpp"
#include "keys/derived.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string app_key_file;
  std::string seed_file;
  std::string path;
  std::string purpose;
  std::string algorithm = "secp256k1";
  bool show_secret = false;
};

Result<keys::AppKeys> app_keys(const Options& o)
{
  if (o.app_key_file.empty() == o.seed_file.empty())
    return fail(Errc::usage, "give --app-key-file or --seed-file");
  if (!o.seed_file.empty()) return keys::from_seed(TRY(read_secret(o.seed_file)));
  // Only k256_key is used below; the other keys of an app do not follow from it.
  keys::AppKeys out = TRY(keys::from_seed(Secret<32>{}));
  out.k256_key = TRY(read_secret(o.app_key_file));
  static_cast<void>(TRY(crypto::k256_public(out.k256_key).within("{}", o.app_key_file)));
  return out;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const keys::AppKeys app = TRY(app_keys(o));
  const keys::Curve curve = TRY(as_usage(keys::parse_curve(o.algorithm).within("--algorithm")));
  const auto key = TRY(keys::derive_key(app, o.path, o.purpose, curve));
  const auto app_public = TRY(crypto::k256_public(app.k256_key));
  if (ctx.ui().json()) {
    codec::Json out;
    out.set("schema", "dstack.key.derive/1").set("path", o.path).set("purpose", o.purpose);
    out.set("algorithm", curve == keys::Curve::ed25519 ? "ed25519" : "secp256k1");
    out.set("public_key", hex(key.public_key)).set("signature", hex(key.signature_chain[0]));
    out.set("app_public_key", hex(app_public));
    if (o.show_secret) out.set("key", hex(key.key.view()));
    ctx.ui().document(std::move(out));
    return Exit::ok;
  }
  ctx.ui().line(fmt::format("public key      {}", hex(key.public_key)));
  ctx.ui().line(fmt::format("statement       {}", keys::key_statement(o.purpose, key.public_key)));
  ctx.ui().line(fmt::format("signature       {}", hex(key.signature_chain[0])));
  ctx.ui().line(fmt::format("app public key  {}", hex(app_public)));
  if (o.show_secret) ctx.ui().line(fmt::format("key             {}", hex(key.key.view())));
  return Exit::ok;
}

} // namespace

void add_key_derive(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("key derive", "Compute again what GetKey gives an app");
  leaf.file("--app-key-file", o->app_key_file,
            "The app's secp256k1 key: 32 bytes, raw or hex; - is stdin");
  leaf.file("--seed-file", o->seed_file,
            "The seed of an app without a KMS: 32 bytes, raw or hex; - is stdin");
  leaf.option("--path", o->path, "PATH", "As the app asked for it").fallback("empty");
  leaf.option("--purpose", o->purpose, "TEXT", "As the app asked for it; changes the signature")
      .fallback("empty");
  leaf.option("--algorithm", o->algorithm, "NAME", "secp256k1 or ed25519").fallback("secp256k1");
  leaf.flag("--show-secret", o->show_secret, "Print the derived secret key, too");
  leaf.json("dstack.key.derive/1")
      .describe("For auditors who hold an app's key: the public key that GetKey's answer must "
                "have, the signature of the app's key over it, and the public key that this "
                "signature recovers to. Computed here, nothing is asked of anybody.")
      .example("dstack key derive --app-key-file app.key --path wallet/0 --purpose mainnet",
               "What GetKey(\"wallet/0\", \"mainnet\") answers")
      .example("dstack key derive --seed-file - --path x --algorithm ed25519",
               "For an app without a KMS")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
