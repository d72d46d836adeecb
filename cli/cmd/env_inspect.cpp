#include "base/text.hpp"
#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "cli/secret_file.hpp"
#include "codec/json.hpp"
#include "keys/env.hpp"

#include <unistd.h>

namespace dstack::cli {

namespace {

struct Options {
  std::string file;
  std::string key_file;
  bool values = false;
};

/// The blob itself, or its hex.
Result<Bytes> read_blob(const std::string& file)
{
  constexpr std::size_t limit = 2 * keys::max_encrypted_env + 2;
  const Bytes raw = file == "-" ? TRY(sys::read_to_end(STDIN_FILENO, limit).within("stdin"))
                                : TRY(sys::read_file(file, limit));
  auto decoded = parse_hex(trim(as_text(raw)));
  return decoded && !decoded->empty() ? *decoded : raw;
}

codec::Json to_json(const Options& o, const keys::EnvelopeView& envelope)
{
  return codec::Json::object()
      .set("schema", "dstack.env.inspect/1")
      .set("file", o.file)
      .set("ephemeral_public_key", hex(envelope.ephemeral))
      .set("nonce", hex(envelope.nonce))
      .set("sealed_bytes", std::uint64_t{envelope.sealed_size});
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const Bytes blob = TRY(read_blob(o.file));
  const keys::EnvelopeView envelope = TRY(keys::read_envelope(blob).within("{}", o.file));
  codec::Json document = to_json(o, envelope);
  std::optional<keys::Environment> env;
  if (!o.key_file.empty())
    env = TRY(keys::decrypt_env(blob, TRY(read_secret(o.key_file))).within("{}", o.file));
  if (o.values && !env) return fail(Errc::usage, "--show-values needs --secret-key-file");
  if (!ctx.ui().json()) {
    ctx.ui().line(fmt::format("ephemeral key  {}", hex(envelope.ephemeral)));
    ctx.ui().line(fmt::format("nonce          {}", hex(envelope.nonce)));
    ctx.ui().line(fmt::format("sealed         {} bytes", envelope.sealed_size));
  }
  codec::Json variables = codec::Json::object();
  for (const auto& [name, value] : env.value_or(keys::Environment{})) {
    variables.set(name, o.values ? codec::Json{value} : codec::Json{});
    if (!ctx.ui().json())
      ctx.ui().line(o.values ? fmt::format("{}={}", printable(name), printable(value))
                             : printable(name));
  }
  if (ctx.ui().json()) {
    if (env) document.set("variables", std::move(variables));
    ctx.ui().document(std::move(document));
  }
  return Exit::ok;
}

} // namespace

void add_env_inspect(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("env inspect", "Look into encrypted variables");
  leaf.file_argument("FILE", o->file, "Encrypted variables, binary or hex; - is stdin").required();
  leaf.file("--secret-key-file", o->key_file,
            "The app's X25519 secret, 32 bytes raw or hex: names can then be shown");
  leaf.flag("--show-values", o->values, "Show the values, too");
  leaf.json("dstack.env.inspect/1")
      .describe("Without a key only the envelope can be shown: who it is for, or how many "
                "variables there are, it does not tell.")
      .example("dstack env inspect app.env.enc", "The envelope")
      .example("dstack env inspect app.env.enc --secret-key-file env.key", "The names inside")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
