#include "guest/app_environment.hpp"

namespace dstack::guest {

Result<keys::FilteredEnv>
open_environment(ByteView blob, const Secret<32>& key, const std::vector<std::string>& allowed)
{
  const keys::Environment all = TRY(keys::decrypt_env(blob, key).within(".encrypted-env"));
  return keys::filter_env(all, allowed).within(".encrypted-env");
}

Status write_environment(const sys::fs::path& directory, const keys::Environment& env)
{
  constexpr auto owner = sys::Privacy::owner_only;
  TRY(sys::write_file_atomic(directory / ".decrypted-env", as_bytes(keys::dotenv_text(env)),
                             owner));
  return sys::write_file_atomic(directory / ".decrypted-env.json", as_bytes(keys::env_json(env)),
                                owner);
}

} // namespace dstack::guest
