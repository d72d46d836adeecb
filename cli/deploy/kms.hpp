#pragma once
/// The KMS that an app's keys come from, as deploy and update see it: met before the app is
/// measured, asked for the app's environment key, told of the app when it is the user's own.

#include "cli/deploy/app.hpp"
#include "keys/env.hpp"
#include "kmsclient/client.hpp"
#include "store/vm_store.hpp"

namespace dstack::cli {

struct KmsOptions {
  std::vector<std::string> urls; ///< each may hold several, with commas
  std::string directory;         ///< of a KMS of this user
  std::string env_file;          ///< variables to encrypt

  bool any() const { return !urls.empty() || !directory.empty() || !env_file.empty(); }
};
void add_kms_options(Leaf& leaf, KmsOptions& options);
/// The values of an option that may hold several, with commas.
std::vector<std::string> one_by_one(const std::vector<std::string>& given);

struct KmsChoice {
  store::VmKms spec{}; ///< for vm.json
  kmsclient::Trusted kms{};
  std::string root_from{}; ///< who says that this root is the right one; empty: nobody
  std::optional<keys::Environment> environment{};
};

/// Meets the KMS and fills app.kms with what that means for an app that is made from a compose
/// file. known: of a VM that is updated; its pin is app.before's. Nothing comes back when no KMS is
/// involved.
Result<std::optional<KmsChoice>>
choose_kms(const KmsOptions& options, const store::VmKms& known, AppOptions& app);

/// The app, however it was made, takes keys from this KMS; and it has one, now or from before, if
/// it needs one.
Status check_kms(const std::optional<KmsChoice>& choice,
                 const store::VmKms& known,
                 const compose::AppCompose& app);

/// The variables, encrypted for the app's key, which the KMS signed a moment ago; nothing when
/// there are none. Remembers the KMS' signing key in choice.spec.
Result<std::optional<Bytes>> encrypt_environment(KmsChoice& choice,
                                                 const compose::AppCompose& app,
                                                 const std::string& app_id_hex,
                                                 Time now);
/// An app's environment key of a KMS one has no other dealings with.
struct FetchedEnvKey {
  crypto::X25519Public key{};
  Bytes root_spki{}; ///< of the KMS that was believed
};
Result<FetchedEnvKey>
fetch_env_key(const std::vector<std::string>& urls, ByteView root_spki, ByteView app_id, Time now);

/// For the VM's next start.
Status write_encrypted_env(const sys::fs::path& directory, const std::optional<Bytes>& blob);

/// Allows the app in the policy of the KMS in that directory, if there is one.
Status register_app(const sys::fs::path& directory,
                    const std::string& app_id_hex,
                    const App& app,
                    Stages& stages);

/// Lines for people.
void announce_kms(Context& ctx, const KmsChoice& choice);

} // namespace dstack::cli
