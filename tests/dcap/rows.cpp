// dcap_rows MANIFEST: verifies every row of a vector manifest and compares the verdict with the
// stated one. Prints each difference and a count; exits 1 when there is a difference.
#include "codec/json.hpp"
#include "dcap/verify.hpp"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>

using namespace dstack;
using namespace dstack::dcap;

namespace {

std::string slurp(const std::filesystem::path& file)
{
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

Verification judge(const std::filesystem::path& base, const codec::Json& row)
{
  Verification out;
  const std::string quote = slurp(base / *row.need_string("quote"));
  const std::string root = *row.need_string("root");
  auto anchor = root == "intel" ? Result<Anchor>{Anchor::intel()}
                                : Anchor::from_file(as_bytes(slurp(base / root)));
  const auto collateral = collateral_from_json(slurp(base / *row.need_string("collateral")));
  if (!anchor || !collateral) {
    out.error = anchor ? collateral.error() : anchor.error();
    return out;
  }
  Verifier verifier{*std::move(anchor)};
  const auto at = static_cast<std::int64_t>(*row.need_u64("time"));
  out = verifier.verify(as_bytes(quote), *collateral, at);
  if (out.report) out.report->quote = {}; // its views end here
  return out;
}

int check(const std::filesystem::path& file)
{
  codec::JsonLimits limits;
  limits.max_bytes = std::size_t{256} << 20U;
  limits.max_nodes = 10'000'000;
  const auto manifest = codec::parse_json(slurp(file), limits);
  if (!manifest) {
    fmt::print(stderr, "{}: {}\n", file.string(), manifest.error().message());
    return 2;
  }
  const codec::Json* rows = manifest->find("vectors");
  if (rows == nullptr) rows = manifest->find("cases");
  if (rows == nullptr || !rows->is_array()) {
    fmt::print(stderr, "{}: no rows\n", file.string());
    return 2;
  }
  std::size_t wrong = 0;
  std::size_t accepted = 0;
  std::map<std::string, std::size_t> refused_at;
  for (const codec::Json& row : rows->items()) {
    const Verification got = judge(file.parent_path(), row);
    const bool want = *(**row.need_object("expect")).need_string("verify") == "ok";
    if (got.report)
      ++accepted;
    else
      ++refused_at[std::string{id_of(got.reached)}];
    if (got.report.has_value() == want) continue;
    ++wrong;
    fmt::print("WRONG {}: {}\n", *row.need_string("id"),
               got.report ? "accepted" : got.error->message());
  }
  fmt::print("{} rows, {} accepted, {} refused, {} wrong\n", rows->items().size(), accepted,
             rows->items().size() - accepted, wrong);
  for (const auto& [stage, count] : refused_at)
    fmt::print("  {:>6} refused at {}\n", count, stage);
  return wrong == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
  if (argc != 2) {
    fmt::print(stderr, "usage: dcap_rows MANIFEST\n");
    return 2;
  }
  return check(argv[1]);
}
