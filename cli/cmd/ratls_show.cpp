#include "attest/app_info.hpp"
#include "attest/identity.hpp"
#include "attest/ratls.hpp"
#include "cli/cmd/add.hpp"
#include "cli/verify/inputs.hpp"
#include "fetch/address_evidence.hpp"
#include "verify/verify.hpp"
#include "x509/der_reader.hpp"
#include "x509/read.hpp"

#include <algorithm>

namespace dstack::cli {

namespace {

constexpr const char* app_info_oid = "1.3.6.1.4.1.62397.1.9";
constexpr std::string_view arc = "1.3.6.1.4.1.62397.1.";
constexpr std::chrono::milliseconds timeout{15'000};

struct Options {
  std::string source;
};

using Facts = std::vector<std::pair<std::string, std::string>>;

/// A file, or what a TLS server shows: "https://host[:port]" or "host[:port]".
Result<Bytes> certificate_of(const std::string& source)
{
  std::error_code ignored;
  if (source == "-" || sys::fs::exists(source, ignored)) {
    const auto kind = source == "-" ? Input::Kind::stdin : Input::Kind::file;
    const Bytes file = TRY(read_input({source, kind}));
    return x509::first_certificate(file).within("{}", source);
  }
  std::string_view address = source;
  if (address.starts_with("https://")) address.remove_prefix(8);
  address = address.substr(0, address.find('/'));
  return fetch::peer_certificate(address, timeout).within("{}", source);
}

/// Extensions of ours, by the last number of their OID.
std::string own_extensions(const x509::ReadCertificate& certificate)
{
  std::vector<std::string> out;
  for (const x509::ReadExtension& one : certificate.extensions)
    if (std::string_view{one.oid}.starts_with(arc))
      out.push_back(fmt::format(".{} ({} bytes)", one.oid.substr(arc.size()), one.value.size()));
  return join(out, ", ");
}

Status add_app_info(const x509::ReadCertificate& certificate, Facts& out)
{
  const Bytes* value = certificate.find(app_info_oid);
  if (value == nullptr) return ok();
  const auto inner = TRY(x509::read_one(*value, x509::tag::octet_string).within("app info"));
  const attest::AppInfo info = TRY(attest::parse_app_info(inner.content));
  out.emplace_back("stated app id", hex(info.app_id));
  out.emplace_back("stated compose hash", hex(info.compose_hash));
  out.emplace_back("stated instance id", hex(info.instance_id));
  out.emplace_back("stated OS image hash", hex(info.os_image_hash));
  out.emplace_back("stated key provider", printable(info.key_provider));
  return ok();
}

Status add_attestation(const attest::RaTls& ratls, Facts& out)
{
  const attest::Attestation& a = ratls.attestation;
  const auto bound = attest::ratls_report_data(ratls.spki);
  out.emplace_back("usage", ratls.usage);
  if (!ratls.app_id.empty()) out.emplace_back("app id (by a KMS)", hex(ratls.app_id));
  out.emplace_back("attestation", std::string{attest::name_of(a.platform)});
  out.emplace_back("report data", hex(a.report_data));
  out.emplace_back("binds this key", equal(a.report_data, bound) ? "yes" : "NO");
  const auto identity = attest::identity_of(attest::runtime_events_of(a.event_log));
  if (!identity) return ok();
  out.emplace_back("app id", hex(identity->app_id));
  out.emplace_back("compose hash", hex(identity->compose_hash));
  out.emplace_back("instance id", hex(identity->instance_id));
  out.emplace_back("key provider", printable(identity->key_provider_name));
  return ok();
}

Result<Facts> facts_of(const Bytes& der, bool& simulated)
{
  const auto certificate = TRY(x509::read_certificate(der));
  const attest::RaTls ratls = TRY(attest::parse_ratls(der));
  Facts out;
  out.emplace_back("subject", certificate.subject);
  out.emplace_back("valid from", format_utc({certificate.not_before * 1000}));
  out.emplace_back("valid to", format_utc({certificate.not_after * 1000}));
  out.emplace_back("extensions", own_extensions(certificate));
  TRY(add_attestation(ratls, out));
  TRY(add_app_info(certificate, out));
  attest::Evidence evidence;
  evidence.attestation = ratls.attestation;
  simulated = verify::claims_simulated(evidence);
  return out;
}

std::string key_of(std::string name)
{
  name = lower(name);
  std::erase_if(name, [](char c) { return c == '(' || c == ')'; });
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  bool simulated = false;
  const Bytes der = TRY(certificate_of(o.source));
  const Facts facts = TRY(facts_of(der, simulated).within("{}", o.source));
  if (ctx.ui().json()) {
    codec::Json values;
    for (const auto& [name, value] : facts)
      values.set(key_of(name), value);
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.ratls.show/1")
                          .set("input", o.source)
                          .set("verified", false)
                          .set("simulated", simulated)
                          .set("certificate", std::move(values)));
    return Exit::ok;
  }
  for (const auto& [name, value] : facts)
    ctx.ui().line(fmt::format("{:<22} {}", name, value));
  if (simulated) ctx.ui().line("SIMULATED: no TEE hardware vouches for this");
  ctx.ui().note("decoded, not verified: 'dstack verify' judges");
  return Exit::ok;
}

} // namespace

void add_ratls_show(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("ra-tls show", "Decode the RA-TLS certificate of a server or a file");
  leaf.argument("SOURCE", o->source, "https://host[:port], host:port, a certificate file, or -")
      .required();
  leaf.json("dstack.ratls.show/1")
      .describe("Shows what a certificate with an attestation says: validity, usage, whose key it "
                "binds, and the app it names. Nothing is verified: any of it may be invented, "
                "except that a server showed it and holds the key.")
      .example("dstack ra-tls show https://127.0.0.1:8443", "What a server shows")
      .example("dstack ra-tls show chain.pem --json", "A file, for programs")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
