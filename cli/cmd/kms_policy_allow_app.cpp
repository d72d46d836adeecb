#include "cli/cmd/add.hpp"
#include "cli/deploy/app.hpp"
#include "cli/kms/policy_file.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string file;
  std::string id;
  std::vector<std::string> compose;
  std::string name;
  std::string epoch;
  bool dry_run = false;
};

struct Composed {
  std::string hash{};   ///< hex
  std::string app_id{}; ///< of a fresh app; empty when only the hash is known
  std::string name{};
};

/// A hash, an app-compose.json or a bundle. Whether this build could boot it does not matter.
Result<Composed> composed(const std::string& word)
{
  if (parse_hex_array<32>(word)) return Composed{lower(word), "", ""};
  const auto raw = sys::read_file(word, compose::max_app_compose_bytes);
  if (raw && trim(as_text(*raw)).starts_with('{')) {
    const auto app = TRY(compose::parse_app_compose(as_text(*raw)).within("--compose {}", word));
    const auto hash = compose::compose_hash(*raw);
    constexpr std::size_t id_size = 20;
    return Composed{hex(hash), hex(ByteView{hash}.first(id_size)), app.name};
  }
  const App app = TRY(read_packed_app(word).within("--compose"));
  return Composed{app.compose_hash, app.app_id, app.parsed.name};
}

Result<kms::AppAddition> addition_of(const Options& o)
{
  kms::AppAddition out;
  out.id = o.id;
  out.name = o.name;
  for (const std::string& word : o.compose) {
    Composed one = TRY(composed(word));
    out.compose.push_back(std::move(one.hash));
    if (out.id.empty()) out.id = one.app_id;
    if (out.name.empty()) out.name = one.name;
  }
  if (out.id.empty())
    return fail(Errc::usage, "which app? give --id, or --compose with a file to take it from");
  if (o.epoch.empty()) return out;
  const std::uint64_t epoch = TRY(as_usage(parse_u64(o.epoch).within("--epoch")));
  if (epoch > UINT32_MAX) return fail(Errc::usage, "--epoch {} (at most {})", epoch, UINT32_MAX);
  out.epoch = static_cast<std::uint32_t>(epoch);
  return out;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const kms::AppAddition app = TRY(addition_of(o));
  const EditMode mode = o.dry_run ? EditMode::only_say : EditMode::write;
  const auto changes = TRY(edit_kms_policy(
      o.file,
      [&](std::string_view text, std::string_view name) { return kms::add_app(text, app, name); },
      mode));
  show_edit(ctx, o.file, changes, mode);
  return Exit::ok;
}

} // namespace

void add_kms_policy_allow_app(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms policy allow-app", "Register an app in a policy, or a version of it");
  leaf.file_argument("FILE", o->file, "The policy").required();
  leaf.option("--id", o->id, "HEX",
              "The app; default is the id a fresh app of the first --compose has");
  leaf.option("--compose", o->compose, "FILE|HASH",
              "App-compose.json, bundle or compose hash to allow");
  leaf.option("--name", o->name, "NAME", "What to call it, when it is new");
  leaf.option("--epoch", o->epoch, "N", "Whose keys it gets, when it is new [default: 0]");
  leaf.flag("-n,--dry-run", o->dry_run, "Only say what would change");
  leaf.json(policy_edit_schema)
      .describe("Everything that stands in the file stays, comments too, and the file is replaced "
                "in one step. A KMS reads it anew by itself. Of an app that is there, only compose "
                "hashes are added: its name and epoch stay.")
      .example("dstack kms policy allow-app policy.toml --compose shop.dsa",
               "A new app, from its bundle")
      .example("dstack kms policy allow-app policy.toml --id "
               "86e59625be93207bc2351c4d1bba20037cec8e16 --compose app-compose.json",
               "A new version of an app")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
