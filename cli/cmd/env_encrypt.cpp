#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "codec/json.hpp"
#include "compose/project.hpp"
#include "crypto/random.hpp"
#include "keys/env.hpp"

#include <unistd.h>

namespace dstack::cli {

namespace {

constexpr std::size_t max_input = std::size_t{2} << 20U;

struct Options {
  std::string file = "-";
  std::string public_key;
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

Result<Exit> run(const Options& o, Context& ctx)
{
  const Bytes recipient = TRY(as_usage(parse_hex(o.public_key).within("--public-key")));
  if (recipient.size() != sizeof(Secret<32>))
    return fail(Errc::usage, "--public-key: {} bytes (want 32)", recipient.size());
  const keys::Environment env = TRY(read_environment(o.file));
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
  leaf.option("--public-key", o->public_key, "HEX", "The app's X25519 key, as its KMS tells it")
      .required();
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
      .example("dstack env encrypt - -o app.env.enc --public-key "
               "4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127",
               "From stdin into a file")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
