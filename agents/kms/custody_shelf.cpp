#include "agents/kms/custody_shelf.hpp"

#include "vault/share_file.hpp"

#include <algorithm>

namespace dstack::kmsnode {

namespace {

constexpr unsigned max_held = 1024;

struct Shelved {
  std::string text{};
  vault::ShareView view{};
};

std::vector<Shelved> shelved(const sys::fs::path& directory)
{
  std::vector<Shelved> out;
  std::error_code error;
  unsigned seen = 0;
  for (const auto& entry : sys::fs::directory_iterator(directory, error)) {
    if (++seen > max_held) break;
    if (entry.path().extension() != ".json") continue;
    auto text = sys::read_text(entry.path(), vault::max_share_file);
    if (!text) continue;
    auto view = vault::view_share(as_bytes(*text));
    if (view) out.push_back({*std::move(text), *std::move(view)});
  }
  return out;
}

} // namespace

Result<std::string> held_share(const sys::fs::path& directory, ByteView cluster)
{
  for (Shelved& one : shelved(directory))
    if (equal(one.view.cluster, cluster)) return std::move(one.text);
  return fail(Errc::not_found, "no share of cluster {} is held here", hex(cluster));
}

codec::Json shares_to_fetch(const sys::fs::path& directory)
{
  auto all = shelved(directory);
  std::sort(all.begin(), all.end(), [](const Shelved& a, const Shelved& b) {
    return a.view.index < b.view.index;
  });
  codec::Json shares = codec::Json::array();
  for (const Shelved& one : all)
    if (one.view.protection == vault::Protection::box) shares.push(one.text);
  return codec::Json{}.set("schema", "dstack.kms.shares/1").set("shares", std::move(shares));
}

} // namespace dstack::kmsnode
