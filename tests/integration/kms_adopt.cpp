/// For tests/integration/kms_crash: takes one known root over into a directory, as onboarding does,
/// and prints its key provider id. kms_adopt DIRECTORY [STEP]: ends with SIGKILL at the step.
#include "vault/test_roots.hpp"
#include "vault/vault.hpp"

#include <cstdio>

namespace dstack {
namespace {

Status run(const char* directory, const char* step)
{
  const vault::Vault vault{directory, *step == '\0' ? vault::FailPoints{} : vault::crash_at(step)};
  const vault::WithPassphrase guard{vault::testing::passphrase("the words of the replica"),
                                    vault::testing::cheap};
  vault::Birth birth;
  birth.now = vault::testing::now;
  birth.attest = [](const vault::PublicRoot&) -> Result<Bytes> { return Bytes(64, 0x2a); };
  if (!vault.exists())
    static_cast<void>(TRY(vault.adopt(vault::testing::published_root(), guard, birth)));
  const auto opened = TRY(vault.open(guard.passphrase, birth.now));
  static_cast<void>(TRY(vault.bootstrap_info()));
  fmt::print("{}\n", hex(opened.open.ca_spki));
  return ok();
}

} // namespace
} // namespace dstack

int main(int argc, char** argv)
{
  if (argc < 2) return 2;
  const dstack::Status done = dstack::run(argv[1], argc > 2 ? argv[2] : "");
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message());
  return 1;
}
