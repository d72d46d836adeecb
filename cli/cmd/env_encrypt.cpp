#include "cli/cmd/add.hpp"
#include "cli/deploy/kms.hpp"
#include "codec/json.hpp"
#include "compose/project.hpp"
#include "crypto/random.hpp"
#include "keys/env.hpp"

#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t max_input = std::size_t{2} << 20U;
constexpr std::size_t app_id_size = 20;

struct Options {
  std::string file = "-";
  std::string public_key;
  std::vector<std::string> kms;
  std::string kms_root;
  std::string app_id;
  std::string output;
};

Result<keys::Environment> read_environment(const std::string& file)
{
  Bytes raw = file == "-" ? TRY(sys::read_to_end(STDIN_FILENO, max_input).within("stdin"))
                          : TRY(sys::read_file(file, max_input));
  auto out = compose::parse_dotenv(as_text(raw), file == "-" ? "stdin" : file);
  wipe(raw);
  return out;
}

Result<Bytes> given_key(const Options& o)
{
  Bytes out = TRY(as_usage(parse_hex(o.public_key).within("--public-key")));
  if (out.size() != sizeof(Secret<32>))
    return fail(Errc::usage, "--public-key: {} bytes (want 32)", out.size());
  return out;
}

Result<Bytes> recipient_of(const Options& o, Context& ctx)
{
  if (o.public_key.empty() == o.kms.empty())
    return fail(Errc::usage, "give --public-key, or --kms and --app-id");
  if (o.kms.empty()) return given_key(o);
  const Bytes app_id = TRY(as_usage(parse_hex(o.app_id).within("--app-id")));
  if (app_id.size() != app_id_size)
    return fail(Errc::usage, "--app-id: {} bytes (want {})", app_id.size(), app_id_size);
  Bytes root;
  if (!o.kms_root.empty()) root = TRY(read_kms_root(o.kms_root));
  const auto key = TRY(fetch_env_key(o.kms, root, app_id, ctx.now()));
  if (root.empty())
    ctx.ui().warn(fmt::format("the KMS root {} was shown by the KMS just now: compare it with its "
                              "operator's, or give --kms-root",
                              hex(key.root_spki)));
  return to_bytes(ByteView{key.key});
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const keys::Environment env = TRY(read_environment(o.file));
  const Bytes recipient = TRY(recipient_of(o, ctx));
  const Bytes blob = TRY(keys::encrypt_env(env, recipient, crypto::random_bytes));
  if (ctx.ui().json())
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.env.encrypt/1")
                          .set("variables", std::uint64_t{env.size()})
                          .set("encrypted_env", hex(blob)));
  else if (o.output.empty())
    ctx.ui().line(hex(blob));
  if (!o.output.empty()) TRY(sys::write_file_atomic(o.output, blob, sys::Privacy::owner_only));
  return Exit::ok;
}

} // namespace

void add_env_encrypt(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("env encrypt", "Encrypt variables that only one app can read");
  leaf.file_argument("FILE", o->file, "KEY=VALUE lines as in an .env file; - is stdin")
      .fallback("-");
  leaf.option("--public-key", o->public_key, "HEX", "The app's X25519 key, as its KMS tells it");
  leaf.option("--kms", o->kms, "URL[,URL]",
              "Ask this KMS for the key, and check that it signed it just now");
  leaf.option("--app-id", o->app_id, "HEX", "Whose key to ask for");
  leaf.option("--kms-root", o->kms_root, "HEX|FILE",
              "The KMS that is believed: its root key in hex, or its root certificate");
  leaf.file("-o,--output", o->output, "The binary form goes here; without it hex is printed");
  leaf.json("dstack.env.encrypt/1")
      .describe(
          "Encrypts with an ephemeral X25519 key and AES-256-GCM, as the published clients "
          "do: what comes out is what a guest takes as .encrypted-env. Values are read from a "
          "file or stdin, never from the command line. The guest hands on only what the app's "
          "allowed_envs names.")
      .example("dstack env encrypt secrets.env --public-key "
               "4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127",
               "Print the blob as hex")
      .example("dstack env encrypt secrets.env -o app.env.enc --kms https://kms.example.com:8000 "
               "--kms-root root-ca.crt --app-id 5bb4ff9a3837357f19dc176407a5709c62eb6c56",
               "For the key that this KMS gives the app")
      .example("dstack env encrypt - -o app.env.enc --public-key "
               "4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127",
               "From stdin into a file")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
