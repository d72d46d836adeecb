// dcap_bench QUOTE COLLATERAL TIME [SECONDS]: verifications per second of processor time on one
// core, beside the ECDSA verifications that cannot be avoided, measured in turn in the same run.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/text.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"
#include "dcap/verify.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <sys/resource.h>

using namespace dstack;
using namespace dstack::dcap;

namespace {

/// Processor time of this thread: what else the machine does at the time does not count.
double spent_us()
{
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

std::string slurp(const char* file)
{
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

struct Timed {
  std::string name;
  std::function<void()> once;
  double best_us = 1e9;
  std::vector<double> samples{};
};

double time_us(const Timed& what, double seconds)
{
  std::size_t count = 0;
  const double start = spent_us();
  double spent = 0;
  do {
    for (int i = 0; i < 16; ++i)
      what.once();
    count += 16;
    spent = spent_us() - start;
  } while (spent < seconds * 1e6);
  return spent / static_cast<double>(count);
}

/// The check of one signature with its key imported: the unit everything is compared with.
struct Floor {
  std::vector<std::pair<crypto::P256Public, Bytes>> keys;
  Bytes digest;
};

void need(bool good, std::string_view what)
{
  if (good) return;
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

void print_counts(std::string_view name, const Counts& c)
{
  fmt::print("  {:<28} {} ECDSA verifications, {} remembered, {} certificates parsed, {} validity "
             "periods, {} comparisons\n",
             name, c.signatures, c.remembered, c.certificates, c.windows, c.comparisons);
}

} // namespace

int main(int argc, char** argv)
{
  need(argc >= 4, "usage: dcap_bench QUOTE COLLATERAL TIME [SECONDS]");
  const std::string quote = slurp(argv[1]);
  const std::string text = slurp(argv[2]);
  const auto at = static_cast<std::int64_t>(std::stoll(argv[3]));
  const double seconds = argc > 4 ? std::stod(argv[4]) : 1.0;
  const auto collateral = collateral_from_json(text);
  need(static_cast<bool>(collateral), "collateral does not parse");

  const HashedCollateral hashed{*collateral};
  Verifier warm{Anchor::intel()};
  const Verification first = warm.verify(as_bytes(quote), hashed, at);
  need(first.report.has_value(), first.error ? first.error->message() : "");
  const Counts cold_counts = first.counts;
  const Counts warm_counts = warm.verify(as_bytes(quote), hashed, at).counts;

  // The unavoidable part: as many verifications as were counted, with keys that are ready.
  const Quote parsed = *parse_quote(as_bytes(quote));
  const auto key = *crypto::P256Public::from_xy(parsed.attestation_key);
  const auto digest = crypto::sha256(parsed.signed_part);
  const auto verify_times = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      need(key.verify_raw(digest, parsed.signature), "floor does not verify");
  };
  const auto import_times = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      need(static_cast<bool>(crypto::P256Public::from_xy(parsed.attestation_key)), "import");
  };

  std::vector<Timed> all;
  all.push_back({fmt::format("floor: {} verifications", cold_counts.signatures),
                 [&] { verify_times(cold_counts.signatures); }});
  all.push_back({fmt::format("floor: the same, 5 keys imported", cold_counts.signatures), [&] {
                   verify_times(cold_counts.signatures);
                   import_times(5);
                 }});
  all.push_back({"cold: everything from bytes", [&] {
                   const auto fresh = collateral_from_json(text);
                   Verifier verifier{Anchor::intel()};
                   need(verifier.verify(as_bytes(quote), *fresh, at).report.has_value(), "cold");
                 }});
  all.push_back({fmt::format("floor: {} verifications", warm_counts.signatures),
                 [&] { verify_times(warm_counts.signatures); }});
  all.push_back({"warm: collateral remembered", [&] {
                   need(warm.verify(as_bytes(quote), hashed, at).report.has_value(), "warm");
                 }});
  constexpr int rounds = 25; // short and in turn, so that all meet the same machine
  for (int round = 0; round < rounds; ++round)
    for (Timed& one : all) {
      const double us = time_us(one, seconds / rounds);
      one.samples.push_back(us);
      one.best_us = std::min(one.best_us, us);
    }
  for (Timed& one : all) {
    std::sort(one.samples.begin(), one.samples.end());
    fmt::print("  {:<36} best {:8.1f} us  median {:8.1f} us  {:7.0f}/s\n", one.name, one.best_us,
               one.samples[rounds / 2], 1e6 / one.best_us);
  }
  fmt::print("cold / its floor with keys imported: best {:.3f}, median {:.3f}\n",
             all[2].best_us / all[1].best_us,
             all[2].samples[rounds / 2] / all[1].samples[rounds / 2]);
  fmt::print("warm / its floor:                    best {:.3f}, median {:.3f}\n",
             all[4].best_us / all[3].best_us,
             all[4].samples[rounds / 2] / all[3].samples[rounds / 2]);
  print_counts("checks, cold:", cold_counts);
  print_counts("checks, warm:", warm_counts);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("peak memory: {} KiB\n", usage.ru_maxrss);
  return 0;
}
