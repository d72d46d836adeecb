#include "cli/verify/question.hpp"

#include "cli/collateral.hpp"
#include "cli/deploy/app.hpp"
#include "cli/images.hpp"
#include "x509/read.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t report_data_size = 64;
constexpr std::size_t max_certificate_file = std::size_t{4} << 20U;

Result<verify::Expectation> report_data(std::string_view source, Bytes value)
{
  if (value.size() > report_data_size)
    return fail(Errc::usage, "{}: {} bytes (report data has 64)", source, value.size());
  value.resize(report_data_size, 0);
  return verify::Expectation{"report-data", "the report data is what was asked for", hex(value),
                             std::string{source}, ""};
}

/// "text:…" is the text itself, anything else hex.
Result<Bytes> text_or_hex(std::string_view word)
{
  constexpr std::string_view prefix = "text:";
  if (word.starts_with(prefix)) return to_bytes(word.substr(prefix.size()));
  return as_usage(parse_hex(word.starts_with("0x") ? word.substr(2) : word));
}

Result<verify::Expectation> certificate_key(const std::string& file)
{
  const Bytes text = TRY(sys::read_file(file, max_certificate_file));
  const Bytes der = TRY(x509::first_certificate(text).within("{}", file));
  const auto certificate = TRY(x509::read_certificate(der).within("{}", file));
  auto out = TRY(report_data(fmt::format("--tls {}", file),
                             to_bytes(attest::ratls_report_data(certificate.spki))));
  out.title = "the quote vouches for the certificate's key";
  return out;
}

Status read_report_data(const QuestionOptions& o, verify::Expectations& out)
{
  const int given =
      (o.nonce.empty() ? 0 : 1) + (o.report_data.empty() ? 0 : 1) + (o.tls.empty() ? 0 : 1);
  if (given > 1) return fail(Errc::usage, "give one of --nonce, --report-data and --tls");
  if (!o.nonce.empty()) {
    const Bytes nonce = TRY(text_or_hex(o.nonce).within("--nonce"));
    out.report_data = TRY(report_data("--nonce", nonce));
    // As 'dstack quote get' has it answered.
    out.report_data->or_value = hex(attest::host_quote_report_data(nonce));
    out.report_data->title = "the quote answers the nonce";
  }
  if (!o.report_data.empty())
    out.report_data =
        TRY(report_data("--report-data", TRY(text_or_hex(o.report_data).within("--report-data"))));
  if (!o.tls.empty()) out.report_data = TRY(certificate_key(o.tls));
  return ok();
}

Result<verify::Expectation> expected_compose(const std::string& file)
{
  auto hash = compose_hash_of(file);
  if (!hash)
    return fail(hash.error().code(),
                "{}\n--compose takes the app-compose.json ('dstack inspect NAME' says where it is) "
                "or a bundle of 'dstack app pack'",
                hash.error().message());
  return verify::Expectation{"app.compose-hash", "the compose file is the one that runs",
                             *std::move(hash), fmt::format("--compose {}", file), ""};
}

} // namespace

Result<std::string> compose_hash_of(const std::string& file)
{
  const Bytes raw = TRY(sys::read_file(file, compose::max_app_compose_bytes));
  if (trim(as_text(raw)).starts_with('{')) return hex(compose::compose_hash(raw));
  return TRY(read_packed_app(file)).compose_hash;
}

void add_identity_options(Leaf& leaf, QuestionOptions& o)
{
  leaf.option("--policy", o.policy, "POLICY", "strict, permissive, or a TOML file")
      .fallback("strict")
      .group("What must hold");
  leaf.flag("--allow-simulated", o.allow_simulated, "Accept evidence of a simulated TEE")
      .group("What must hold");
  leaf.file("--compose", o.compose, "App-compose.json or bundle that must be the one that runs")
      .group("What must hold");
  leaf.option("--app-id", o.app_id, "HEX", "The app it must be").group("What must hold");
  leaf.option("--image", o.image, "IMAGE",
              "OS image that must have booted: name, directory or hash")
      .completes(image_candidates)
      .group("What must hold");
}

void add_question_options(Leaf& leaf, QuestionOptions& o)
{
  add_identity_options(leaf, o);
  leaf.option("--nonce", o.nonce, "HEX", "Challenge the evidence must answer, padded with zeros")
      .group("What must hold");
  leaf.option("--report-data", o.report_data, "HEX", "Report data, hex or text:…")
      .group("What must hold");
  leaf.file("--tls", o.tls, "Certificate whose key the quote must vouch for")
      .group("What must hold");
  leaf.option("--at", o.at, "TIME", "Judge as of this time (UTC or Unix seconds); default is now");
}

Result<verify::Policy> read_policy(const std::string& word)
{
  if (word.empty() || word == "strict") return verify::strict_policy();
  if (word == "permissive") return verify::permissive_policy();
  const auto text = sys::read_text(word, verify::max_policy);
  if (!text)
    return fail(Errc::usage, "--policy: {} (want strict, permissive or a file)",
                text.error().message());
  return as_usage(verify::policy_from_toml(*text, sys::fs::path{word}.filename().string()));
}

Result<verify::Question> question_of(const QuestionOptions& o, const Context& ctx)
{
  verify::Question out;
  out.policy = TRY(read_policy(o.policy));
  if (o.allow_simulated) out.policy.allow_simulated = true;
  out.at = TRY(point_in_time(o.at, ctx));
  TRY(read_report_data(o, out.expectations));
  if (!o.compose.empty()) out.expectations.compose_hash = TRY(expected_compose(o.compose));
  if (!o.app_id.empty()) {
    TRY(as_usage(parse_hex_array<20>(o.app_id).within("--app-id")));
    out.expectations.app_id = verify::Expectation{"app.id", "the app is the one asked for",
                                                  lower(o.app_id), "--app-id", ""};
  }
  return out;
}

} // namespace dstack::cli
