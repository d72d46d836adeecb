// make_quotes STATE DIR COUNT: that many different quotes of one simulated platform, whose keys are
// below STATE/dstack/simulated-tee, as files in DIR.
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "sys/clock.hpp"
#include "tee/sim_host.hpp"

#include <cstdio>

using namespace dstack;

namespace {

Status
make(const std::filesystem::path& state, const std::filesystem::path& to, std::uint64_t count)
{
  const auto authority = TRY(tee::SimAuthority::open(state / "dstack/simulated-tee", sys::now()));
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto data = crypto::sha512(as_bytes(fmt::format("{}", i)));
    TRY(sys::write_file_atomic(to / fmt::format("{:06}.quote", i), authority.quote({}, data),
                               sys::Privacy::shared));
  }
  return ok();
}

} // namespace

int main(int argc, char** argv)
{
  const auto count = argc == 4 ? parse_u64(argv[3]) : Result<std::uint64_t>{std::uint64_t{0}};
  if (argc != 4 || !count) return 2;
  const Status made = make(argv[1], argv[2], *count);
  if (!made) std::fprintf(stderr, "%s\n", made.error().message().c_str());
  return made ? 0 : 1;
}
