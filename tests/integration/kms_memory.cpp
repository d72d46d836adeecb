/// Searches its own memory for the secrets of a KMS: they are there while they are used, and
/// nowhere once their owners have gone. Looked for are the halves of each secret as bytes, in the
/// order in which computations hold them (reversed) and as hex. Exit status 0: nothing was left.

#include "base/text.hpp"
#include "kms/certificates.hpp"
#include "sys/files.hpp"
#include "sys/protect.hpp"
#include "sys/secret_files.hpp"
#include "vault/share_directory.hpp"
#include "vault/vault.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace dstack {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t now = 1'767'225'600;
constexpr crypto::PassphraseCost cheap{1, std::uint64_t{8} << 10U};
constexpr std::uint8_t mask = 0xa5; // needles must not be found where they are kept

struct Needle {
  std::string name;
  Bytes masked;
};

class Needles {
public:
  void add(const std::string& name, ByteView secret)
  {
    Bytes reversed(secret.rbegin(), secret.rend());
    Bytes text = to_bytes(hex(secret));
    add_halves(name, secret);
    add_halves(name + " reversed", reversed);
    add_halves(name + " as hex", text);
    wipe(reversed);
    wipe(text);
  }
  const std::vector<Needle>& all() const { return all_; }

private:
  void add_halves(const std::string& name, ByteView whole)
  {
    const std::size_t half = whole.size() / 2;
    for (std::size_t at : {std::size_t{0}, half}) {
      Needle one{name + (at == 0 ? ", first half" : ", second half"), {}};
      for (const std::uint8_t byte : whole.subspan(at, half))
        one.masked.push_back(byte ^ mask);
      all_.push_back(std::move(one));
    }
  }
  std::vector<Needle> all_;
};

struct Region {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string name;
};

std::vector<Region> regions()
{
  const std::string maps = *sys::read_text("/proc/self/maps", std::size_t{4} << 20U);
  std::vector<Region> out;
  for (const std::string_view line : split(maps, '\n')) {
    Region one;
    std::array<char, 8> rights{};
    std::array<char, 512> name{};
    const std::string text{line};
    unsigned long long begin = 0;
    unsigned long long end = 0;
    if (std::sscanf(text.c_str(), "%llx-%llx %7s %*s %*s %*s %511s", &begin, &end, rights.data(),
                    name.data()) < 3)
      continue;
    if (rights[0] != 'r' || rights[1] != 'w') continue; // the others come from files
    if (end - begin > (1ULL << 30U)) continue;          // sanitizers reserve terabytes
    out.push_back({begin, end, name.data()});
  }
  return out;
}

/// The names of what is found in this process.
class Search {
public:
  explicit Search(int memory) : memory_(memory), block_(size + overlap) {}

  std::vector<std::string> run(const Needles& needles)
  {
    std::vector<std::string> found;
    for (const Region& region : regions())
      for (std::uint64_t at = region.begin; at < region.end; at += size) {
        const std::size_t want = std::min<std::uint64_t>(block_.size(), region.end - at);
        const ssize_t n = ::pread(memory_, block_.data(), want, static_cast<off_t>(at));
        if (n <= 0) continue;
        look(ByteView{block_}.first(static_cast<std::size_t>(n)), region, needles, found);
        wipe(block_); // or the next block finds what this one held
      }
    return found;
  }

private:
  static constexpr std::size_t size = std::size_t{64} << 10U;
  static constexpr std::size_t overlap = 64;

  static void look(ByteView block,
                   const Region& region,
                   const Needles& needles,
                   std::vector<std::string>& found)
  {
    for (const Needle& needle : needles.all()) {
      const auto at = std::search(
          block.begin(), block.end(), needle.masked.begin(), needle.masked.end(),
          [](std::uint8_t seen, std::uint8_t masked) { return (seen ^ mask) == masked; });
      if (at == block.end()) continue;
      found.push_back(needle.name + " in " + (region.name.empty() ? "?" : region.name));
    }
  }

  int memory_;
  Bytes block_;
};

void remember(Needles& needles, const vault::RootMaterial& material)
{
  needles.add("root CA", material.root.ca.scalar().view());
  needles.add("root k256", material.root.k256.view());
  needles.add("epoch seed", material.epochs.at(0).seed.view());
  needles.add("epoch CA", material.epochs[0].roots.ca.scalar().view());
  needles.add("epoch k256", material.epochs[0].roots.k256.view());
}

/// What a KMS does with its root for apps.
Status serve(const vault::OpenRoot& root)
{
  const Bytes app(20, 0xa1);
  for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
    const keys::RootKeys* from = TRY(vault::derivation_roots(root.material, epoch));
    const auto ca = TRY(keys::app_ca_key(*from, app));
    const auto k256 = TRY(keys::app_k256_key(*from, app));
    static_cast<void>(TRY(keys::disk_crypt_key(*from, app, {})));
    const auto env = TRY(keys::env_crypt_key(*from, app));
    static_cast<void>(
        TRY(keys::sign_app_key(root.material.root, app, TRY(crypto::k256_public(k256)))));
    static_cast<void>(
        TRY(keys::sign_env_key(root.material.root, app, crypto::x25519_public(env), 1)));
    static_cast<void>(TRY(kms::app_ca_certificate(root.material.root.ca, ca, app, now)));
  }
  return ok();
}

/// Creates, opens, rotates and uses a root of custodians in directory; its secrets go to needles.
Status live(const fs::path& directory, Needles& needles, Search& search)
{
  std::vector<SecretBytes> words;
  for (const char* one : {"alice's words", "bob's words", "carol's words"})
    words.emplace_back(as_bytes(one));
  std::vector<vault::ShareLock> locks;
  for (const SecretBytes& one : words)
    locks.push_back({{}, one, cheap});
  const vault::Vault vault{directory / "kms"};
  vault::Birth birth;
  birth.now = now;
  birth.before_commit = [&](const vault::Newborn& newborn) -> Status {
    // Bob's lies open.
    TRY(vault::write_share_files(directory / "open", {newborn.shares[1]}, {}, {}));
    return vault::write_share_files(directory / "shares", newborn.shares, locks, {});
  };
  vault::OpenRoot made =
      TRY(vault.create(vault::WithCustodians{{"alice", "bob", "carol"}, 2}, birth));
  made = TRY(vault.rotate(made, now));
  remember(needles, made.material);
  needles.add("sealing key", made.sealing_key.view());

  const auto custody = TRY(vault.read_custody());
  vault::ShareCollector collector{made.open.cluster, custody.circle};
  struct Given {
    const char* place;
    const char* name;
    const SecretBytes* passphrase;
  };
  for (const Given& one : {Given{"shares", "alice", &words[0]}, Given{"open", "bob", nullptr}}) {
    const fs::path file =
        directory / one.place / vault::share_file_name(made.open.cluster, one.name);
    const SecretBytes text = TRY(sys::read_secret(file, vault::max_share_file));
    const auto share = TRY(vault::read_share(text.view(), {one.passphrase, nullptr}));
    needles.add(fmt::format("{}'s share", one.name), share.share.value.view());
    static_cast<void>(TRY(collector.add(share)));
  }
  const auto scalar = TRY(crypto::combine(collector.shares(), custody.circle.commitments));
  needles.add("shared scalar", scalar.view());
  const auto opened = TRY(vault.open(collector.shares(), now));
  TRY(serve(opened));
  const auto found = search.run(needles);
  fmt::print("in use: {} findings\n", found.size());
  if (found.size() < needles.all().size() / 6)
    return fail(Errc::internal, "secrets in use are not found: the search does not work");
  return ok();
}

int run()
{
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) {
    fmt::print("no /proc/self/mem here\n");
    return 77;
  }
  static_cast<void>(sys::protect_secrets());
  const fs::path directory = *sys::make_temp_directory(fs::temp_directory_path(), "kms-memory");
  Needles needles;
  Search search{memory};
  const Status lived = live(directory, needles, search);
  static_cast<void>(sys::remove_tree(directory));
  if (!lived) {
    fmt::print("{}\n", lived.error().message());
    return 1;
  }
  wipe_stack();
  const auto left = search.run(needles);
  for (const std::string& one : left)
    fmt::print("left: {}\n", one);
  fmt::print("afterwards: {} findings of {} needles\n", left.size(), needles.all().size());
  return left.empty() ? 0 : 1;
}

} // namespace
} // namespace dstack

int main()
{
  return dstack::run();
}
