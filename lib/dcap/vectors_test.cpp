#include "base/test_vectors.hpp"
#include "base/text.hpp"
#include "codec/json.hpp"
#include "dcap/signed_json.hpp"
#include "dcap/verify.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

using namespace dstack;
using namespace dstack::dcap;

namespace {

std::set<std::string> strings(const codec::Json& in, std::string_view key)
{
  const auto list = in.get_strings(key);
  return list ? std::set<std::string>{list->begin(), list->end()} : std::set<std::string>{};
}

std::string describe(const Verification& v)
{
  if (v.report) return fmt::format("ok {}", name_of(v.report->tcb.status));
  return fmt::format("{}: {}", id_of(v.reached), v.error->message());
}

/// One row of a manifest against our verdict.
void check_row(const std::filesystem::path& base, const codec::Json& row)
{
  const std::string id = *row.need_string("id");
  CAPTURE(id);
  const std::string quote = slurp(base / *row.need_string("quote"));
  const std::string root = *row.need_string("root");
  auto anchor = root == "intel" ? Result<Anchor>{Anchor::intel()}
                                : Anchor::from_file(as_bytes(slurp(base / root)));
  REQUIRE(anchor);
  const codec::Json& expect = **row.need_object("expect");
  const bool good = *expect.need_string("verify") == "ok";
  const auto collateral = collateral_from_json(slurp(base / *row.need_string("collateral")));
  if (!collateral) {
    INFO(collateral.error().message());
    CHECK_FALSE(good);
    return;
  }
  Verifier verifier{*std::move(anchor)};
  const auto at = static_cast<std::int64_t>(*row.need_u64("time"));
  const Verification got = verifier.verify(as_bytes(quote), *collateral, at);
  INFO(describe(got));
  CHECK(got.report.has_value() == good);
  if (!got.report || !good) return;
  CHECK(name_of(got.report->tcb.status) == *expect.need_string("tcb_status"));
  const auto& ids = got.report->advisory_ids;
  CHECK(std::set<std::string>(ids.begin(), ids.end()) == strings(expect, "advisory_ids"));
  const auto flags = attribute_flags(got.report->quote);
  CHECK(std::set<std::string>(flags.begin(), flags.end()) == strings(expect, "policy"));
  if (const auto window = row.need_array("window")) {
    CHECK(got.report->latest_start == *(*window)->items()[0].as_i64());
    CHECK(got.report->earliest_expiration == *(*window)->items()[1].as_i64());
  }
}

void check_manifest(const std::filesystem::path& file, std::size_t at_least)
{
  if (!std::filesystem::exists(file)) {
    MESSAGE("not run: no vectors at " << file.string());
    return;
  }
  const codec::Json manifest = *codec::parse_json(slurp(file));
  const auto& rows = (*manifest.need_array("vectors"))->items();
  CHECK(rows.size() >= at_least);
  for (const codec::Json& row : rows)
    check_row(file.parent_path(), row);
}

} // namespace

TEST_CASE("published quotes get the verdicts their vectors state")
{
  check_manifest(test_vectors() / "manifest.json", 90);
}

TEST_CASE("every rule, once broken, refuses; every status comes out as it should")
{
  check_manifest(test_vectors() / "synth/manifest.json", 208);
}

TEST_CASE("a signed document is found, not parsed, and nothing may stand beside it")
{
  const std::string signature(128, 'a');
  const auto split = [&](std::string_view format) {
    return split_signed_json(fmt::format(fmt::runtime(format), signature), "tcbInfo");
  };
  const auto found = split(R"({{"signature":"{}", "tcbInfo": {{"a":"}}\"{{","b":[{{}}]}} }} )");
  REQUIRE(found);
  CHECK(found->text == R"({"a":"}\"{","b":[{}]})");
  CHECK(found->signature == Bytes(64, 0xaa));
  CHECK_FALSE(split(R"({{"tcbInfo":{{}},"signature":"{}","more":1}})"));
  CHECK_FALSE(split(R"({{"tcbInfo":{{}},"tcbInfo":{{}}}})"));
  CHECK_FALSE(split(R"({{"tcbInfo":[],"signature":"{}"}})"));
  CHECK_FALSE(split(R"({{"enclaveIdentity":{{}},"signature":"{}"}})"));
  CHECK_FALSE(split(R"({{"tcbInfo":{{"a":"\)")); // ends within an escape; found by the replay
  CHECK_FALSE(split_signed_json(std::string(200, '{'), "tcbInfo"));
}
