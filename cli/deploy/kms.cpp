#include "cli/deploy/kms.hpp"

#include "base/text.hpp"
#include "cli/kms/policy_file.hpp"
#include "compose/project.hpp"
#include "crypto/random.hpp"
#include "kms/settings.hpp"
#include "vault/vault.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

constexpr std::size_t max_env_file = std::size_t{2} << 20U;

/// A person waits, so no KMS gets as long as it has at boot.
kmsclient::Reach reach()
{
  kmsclient::Reach out;
  out.answer = std::chrono::milliseconds{20'000};
  out.total = std::chrono::milliseconds{60'000};
  return out;
}

/// The root's key that must be shown, and who says so.
struct WantedRoot {
  Bytes spki{};
  std::string from{};
};

Result<WantedRoot> wanted_root(const sys::fs::path& directory, const AppOptions& app)
{
  std::vector<WantedRoot> all;
  if (app.before != nullptr && !app.before->key_provider_id.empty())
    all.push_back({app.before->key_provider_id, "the running app"});
  if (!app.boot.kms_root.empty())
    all.push_back({TRY(read_kms_root(app.boot.kms_root)), "--kms-root"});
  if (!directory.empty())
    all.push_back({TRY(vault::Vault{directory}.read_public().within("--kms-dir")).ca_spki,
                   directory.string()});
  if (all.empty()) return WantedRoot{};
  for (const WantedRoot& one : all)
    if (one.spki != all.front().spki)
      return fail(Errc::usage,
                  "the KMS root of {} is another one than that of {}\n"
                  "other keys are for another VM: 'dstack deploy'",
                  one.from, all.front().from);
  return all.back();
}

Result<keys::Environment> read_environment(const std::string& file)
{
  Bytes raw = TRY(sys::read_file(file, max_env_file).within("--env-file"));
  auto out = compose::parse_dotenv(as_text(raw), file);
  wipe(raw);
  if (out)
    for (const auto& [name, value] : *out)
      TRY(keys::check_variable_name(name).within("{}", file));
  return std::move(out).within("--env-file");
}

Status check_options(const KmsOptions& options, const AppOptions& app)
{
  const std::string& provider = app.boot.key_provider;
  if (!provider.empty() && provider != compose::name_of(compose::KeyProvider::kms))
    return fail(Errc::usage, "--kms is for --key-provider kms, not {}", provider);
  const bool other = app.before != nullptr && app.before->key_provider != compose::KeyProvider::kms;
  if (other && !options.urls.empty())
    return fail(Errc::usage,
                "the running app's keys come from '{}', and its data can be read with no others\n"
                "keys of a KMS are for another VM: 'dstack deploy'",
                compose::name_of(app.before->key_provider));
  return ok();
}

/// As the KMS itself states it over a connection that its root vouches for.
Result<crypto::K256Public> signer_of(KmsChoice& choice)
{
  if (choice.spec.signer.empty()) {
    const auto meta = TRY(kmsclient::request_meta(choice.kms, reach()));
    choice.spec.signer = hex(meta.k256);
  }
  return parse_hex_array<33>(choice.spec.signer);
}

/// Where kms.toml of that directory says its policy is.
Result<sys::fs::path> policy_file(const sys::fs::path& directory)
{
  const sys::fs::path file = directory / "kms.toml";
  const std::string text = TRY(sys::read_text(file, kms::max_settings));
  return directory / TRY(kms::settings_from_toml(text, file.string())).policy_file;
}

Status check_names(const keys::Environment& env, const compose::AppCompose& app)
{
  for (const auto& [name, value] : env)
    if (std::find(app.allowed_envs.begin(), app.allowed_envs.end(), name) == app.allowed_envs.end())
      return fail(Errc::usage, "--env-file: the app's allowed_envs does not name {}", name);
  return ok();
}

} // namespace

std::vector<std::string> one_by_one(const std::vector<std::string>& given)
{
  std::vector<std::string> out;
  for (const std::string& word : given)
    for (const std::string_view piece : split(word, ','))
      if (!trim(piece).empty()) out.emplace_back(trim(piece));
  return out;
}

void add_kms_options(Leaf& leaf, KmsOptions& options)
{
  leaf.option("--kms", options.urls, "URL[,URL]",
              "Keys from this KMS (https://HOST:PORT), or from the first of several that answers")
      .group("Keys");
  leaf.directory(
          "--kms-dir", options.directory,
          "Directory of a KMS of yours: its root is the one to trust, its policy gets the app")
      .group("Keys");
  leaf.file(
          "--env-file", options.env_file,
          "KEY=VALUE lines that only the app's VM can read: encrypted here, for its key of the KMS")
      .group("Keys");
}

Result<std::optional<KmsChoice>>
choose_kms(const KmsOptions& options, const store::VmKms& known, AppOptions& app)
{
  KmsChoice out;
  out.spec = known;
  if (!options.urls.empty()) {
    out.spec.urls = one_by_one(options.urls);
    out.spec.signer.clear();
  }
  if (out.spec.urls.empty() || (app.before != nullptr && !options.any())) {
    if (out.spec.urls.empty() && options.any())
      return fail(Errc::usage, "--kms-dir and --env-file need the address of the KMS: --kms URL");
    return std::optional<KmsChoice>{};
  }
  TRY(check_options(options, app));
  const auto urls = TRY(as_usage(kmsclient::parse_urls(out.spec.urls).within("--kms")));
  if (!options.directory.empty()) out.spec.directory = sys::fs::absolute(options.directory);
  if (!options.env_file.empty()) out.environment = TRY(read_environment(options.env_file));
  const WantedRoot wanted = TRY(wanted_root(out.spec.directory, app));
  out.root_from = wanted.from;
  out.kms = TRY(kmsclient::meet(urls, wanted.spki, reach()).within("KMS"));
  app.kms.emplace();
  app.kms->root = hex(out.kms.root.spki);
  if (out.environment)
    for (const auto& [name, value] : *out.environment)
      app.kms->variables.push_back(name);
  return std::optional<KmsChoice>{std::move(out)};
}

Status check_kms(const std::optional<KmsChoice>& choice,
                 const store::VmKms& known,
                 const compose::AppCompose& app)
{
  const bool wants = app.key_provider == compose::KeyProvider::kms;
  if (!choice && wants && known.urls.empty())
    return fail(Errc::usage, "the app's keys come from a KMS: say which with --kms URL");
  if (!choice) return ok();
  if (!wants)
    return fail(Errc::usage, "--kms: the app's keys come from '{}' ({})",
                compose::name_of(app.key_provider),
                app.key_provider_field.empty() ? "key_provider" : app.key_provider_field);
  TRY(kmsclient::check_pin(choice->kms.root, app.key_provider_id)
          .within("{}", choice->kms.urls.front().text));
  if (choice->environment) TRY(check_names(*choice->environment, app));
  return ok();
}

Result<std::optional<Bytes>> encrypt_environment(KmsChoice& choice,
                                                 const compose::AppCompose& app,
                                                 const std::string& app_id_hex,
                                                 Time now)
{
  if (!choice.environment) return std::optional<Bytes>{};
  TRY(check_names(*choice.environment, app));
  const Bytes app_id = TRY(parse_hex(app_id_hex));
  const auto signer = TRY(signer_of(choice).within("KMS"));
  const auto key = TRY(kmsclient::request_env_key(choice.kms, app_id, reach()).within("KMS"));
  TRY(kmsclient::check_env_key(key, app_id, signer, now).within("KMS"));
  return std::optional<Bytes>{TRY(
      keys::encrypt_env(*choice.environment, key.key, crypto::random_bytes).within("--env-file"))};
}

Result<FetchedEnvKey>
fetch_env_key(const std::vector<std::string>& urls, ByteView root_spki, ByteView app_id, Time now)
{
  const auto parsed = TRY(as_usage(kmsclient::parse_urls(one_by_one(urls)).within("--kms")));
  KmsChoice choice;
  choice.kms = TRY(kmsclient::meet(parsed, root_spki, reach()).within("KMS"));
  const auto signer = TRY(signer_of(choice).within("KMS"));
  const auto key = TRY(kmsclient::request_env_key(choice.kms, app_id, reach()).within("KMS"));
  TRY(kmsclient::check_env_key(key, app_id, signer, now).within("KMS"));
  return FetchedEnvKey{key.key, choice.kms.root.spki};
}

Status write_encrypted_env(const sys::fs::path& directory, const std::optional<Bytes>& blob)
{
  if (!blob) return ok();
  return sys::write_file_atomic(directory / "share" / ".encrypted-env", *blob,
                                sys::Privacy::owner_only);
}

Status register_app(const sys::fs::path& directory,
                    const std::string& app_id_hex,
                    const App& app,
                    Stages& stages)
{
  if (directory.empty()) return ok();
  const sys::fs::path file = TRY(policy_file(directory));
  stages.begin("allow the app in the KMS' policy");
  kms::AppAddition addition;
  addition.id = app_id_hex;
  addition.name = app.parsed.name;
  addition.compose = {app.compose_hash};
  const auto add = [&](std::string_view text, std::string_view name) {
    return kms::add_app(text, addition, name);
  };
  const auto changes = TRY(edit_kms_policy(file.string(), add, EditMode::write));
  stages.detail(changes.empty() ? "it was there" : "added");
  stages.end();
  return ok();
}

void announce_kms(Context& ctx, const KmsChoice& choice)
{
  Console& ui = ctx.ui();
  ui.note(fmt::format("KMS          {}", choice.kms.urls.front().text));
  ui.note(fmt::format("KMS root     {}", hex(choice.kms.root.spki)));
  if (!choice.root_from.empty())
    ui.note(fmt::format("             as {} has it", choice.root_from));
  else
    ui.note(ui.paint_err(Tone::warn, "             shown by the KMS just now and trusted from here "
                                     "on: compare it with its operator's, or give --kms-root"));
}

} // namespace dstack::cli
