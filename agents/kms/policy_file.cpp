#include "agents/kms/policy_file.hpp"

namespace dstack::kmsnode {

Result<LoadedPolicy> load_policy(const sys::fs::path& file)
{
  const std::string text = TRY(sys::read_text(file, kms::max_policy).within("policy"));
  LoadedPolicy out;
  out.policy = std::make_shared<const kms::Policy>(
      TRY(kms::policy_from_toml(text, file.filename().string()).within("{}", file.string())));
  out.digest = hex(crypto::sha256(as_bytes(text)));
  return out;
}

} // namespace dstack::kmsnode
