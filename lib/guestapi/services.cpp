#include "attest/attestation.hpp"
#include "codec/json_list.hpp"
#include "crypto/keccak.hpp"
#include "guestapi/guest.hpp"
#include "guestapi/messages.hpp"

#include <algorithm>

namespace dstack::guestapi {

using codec::Json;
namespace msg = messages;

namespace {

using GuestPtr = std::shared_ptr<Guest>;

// rpc has checked every request against its message: members are there and of their kind.

const std::string& text(const Json& params, std::string_view name)
{
  return params.find(name)->text();
}

bool flag(const Json& params, std::string_view name)
{
  return *params.find(name)->as_bool();
}

Bytes raw(const Json& params, std::string_view name)
{
  return *parse_hex(text(params, name));
}

std::optional<std::uint64_t> number(const Json& params, std::string_view name)
{
  const Json* value = params.find(name);
  if (value->is_null()) return std::nullopt;
  return *value->as_u64();
}

std::vector<std::string> texts(const Json& params, std::string_view name)
{
  return *params.get_strings(name);
}

Json to_json(const Guest::Issued& issued)
{
  return Json{}.set("key", issued.key_pem).set("certificate_chain", codec::list_of(issued.chain));
}

/// Issues a certificate for the key and answers with both.
void answer_issued(Guest& guest,
                   const LeafRequest& request,
                   const Result<crypto::P256Key>& key,
                   rpc::Method::Done done)
{
  if (!key) return done(key.error());
  guest.issue(request, *key, [done = std::move(done)](Result<Guest::Issued> issued) {
    if (!issued) return done(std::move(issued).error());
    done(to_json(*issued));
  });
}

void get_tls_key(Guest& guest, const Json& params, rpc::Method::Done done)
{
  LeafRequest request;
  request.subject = text(params, "subject");
  request.alt_names = texts(params, "alt_names");
  request.ra_tls = flag(params, "usage_ra_tls");
  request.server_auth = flag(params, "usage_server_auth");
  request.client_auth = flag(params, "usage_client_auth");
  request.not_before = number(params, "not_before");
  request.not_after = number(params, "not_after");
  request.app_info = flag(params, "with_app_info");
  answer_issued(guest, request, random_p256(""), std::move(done));
}

Result<keys::DerivedKey> derived(Guest& guest, const Json& params)
{
  const keys::Curve curve = TRY(keys::parse_curve(text(params, "algorithm")));
  return keys::derive_key(guest.app_keys(), text(params, "path"), text(params, "purpose"), curve);
}

Result<Json> get_key(Guest& guest, const Json& params)
{
  const keys::DerivedKey key = TRY(derived(guest, params));
  return Json{}
      .set("key", hex(key.key.view()))
      .set("signature_chain", codec::list_of(key.signature_chain, hex));
}

Result<Json> get_quote(Guest& guest, const Json& params)
{
  return guest.evidence().quote_answer(TRY(padded_report_data(raw(params, "report_data"))));
}

Result<Json> attest_answer(Guest& guest, const Json& params)
{
  const ReportData data = TRY(padded_report_data(raw(params, "report_data")));
  const Bytes blob = attest::encode(TRY(guest.evidence().attestation(data)));
  return Json{}.set("attestation", hex(blob));
}

Result<Json> sign(Guest& guest, const Json& params)
{
  const auto made =
      TRY(keys::sign(guest.app_keys(), text(params, "algorithm"), raw(params, "data")));
  return Json{}
      .set("signature", hex(made.signature))
      .set("signature_chain", codec::list_of(made.chain, hex))
      .set("public_key", hex(made.public_key));
}

Result<Json> verify(const Json& params)
{
  const Bytes data = raw(params, "data");
  const Bytes signature = raw(params, "signature");
  const Bytes public_key = raw(params, "public_key");
  const bool valid = TRY(keys::verify(text(params, "algorithm"), {data, signature, public_key}));
  return Json{}.set("valid", valid);
}

Json version()
{
  return Json{}.set("version", api_version).set("rev", "unknown");
}

rpc::Method version_method()
{
  return {msg::none(), msg::version(), [](const Json&) -> Result<Json> { return version(); }};
}

void derive_tls_key(Guest& guest, const Json& params, rpc::Method::Done done)
{
  const std::string& path = text(params, "path");
  LeafRequest request;
  request.subject = text(params, "subject");
  request.alt_names = texts(params, "alt_names");
  request.ra_tls = flag(params, "usage_ra_tls");
  request.server_auth = flag(params, "usage_server_auth");
  request.client_auth = flag(params, "usage_client_auth");
  const auto key = flag(params, "random_seed")
                       ? random_p256(path)
                       : keys::derive_p256(guest.app_keys().k256_key.view(), {path});
  answer_issued(guest, request, key, std::move(done));
}

Result<Json> derive_k256_key(Guest& guest, const Json& params)
{
  const keys::DerivedKey key = TRY(derived(guest, params));
  return Json{}
      .set("k256_key", hex(key.key.view()))
      .set("k256_signature_chain", codec::list_of(key.signature_chain, hex));
}

/// Hash of "prefix:" and the data, except with the algorithm raw: 64 bytes as they are.
Result<Json>
tdx_quote(Guest& guest, ByteView data, std::string algorithm, const std::string& prefix)
{
  constexpr std::string_view default_prefix = "app-data";
  const std::string effective = prefix.empty() ? std::string{default_prefix} : prefix;
  if (algorithm.empty()) algorithm = "sha512";
  const bool as_is = algorithm == "raw";
  if (as_is && data.size() != sizeof(ReportData))
    return fail(Errc::malformed, "invalid content length");
  const Bytes content =
      as_is ? to_bytes(data)
            : TRY(crypto::named_digest(algorithm, concat({as_bytes(effective + ":"), data})));
  const Json answer = TRY(guest.evidence().quote_answer(TRY(padded_report_data(content))));
  return Json{}
      .set("quote", *answer.find("quote"))
      .set("event_log", *answer.find("event_log"))
      .set("hash_algorithm", std::move(algorithm))
      .set("prefix", as_is ? std::string{} : effective);
}

Result<Json> attestation_for_app_key(Guest& guest, const Json& params)
{
  const std::string& algorithm = text(params, "algorithm");
  if (algorithm.empty()) return fail(Errc::unsupported, "Unsupported algorithm");
  const keys::Curve curve = TRY(keys::parse_curve(algorithm));
  const auto key = TRY(keys::derive_key(guest.app_keys(), "vms", "signing", curve));
  const std::string statement = keys::app_key_statement(curve, key.public_key);
  return guest.evidence().quote_answer(TRY(padded_report_data(as_bytes(statement))));
}

rpc::Method::RunLater issuing(const GuestPtr& guest,
                              void (*run)(Guest&, const Json&, rpc::Method::Done))
{
  return [guest, run](const Json& params, rpc::Method::Done done) {
    run(*guest, params, std::move(done));
  };
}

rpc::Method info_method(const GuestPtr& guest)
{
  return {msg::none(), msg::app_info(),
          [guest](const Json&) { return guest->evidence().info(guest->demo_certificate()); }};
}

} // namespace

rpc::Service dstack_service(const GuestPtr& guest)
{
  rpc::Service out;
  const auto add = [&](const char* name, const msg::Fields& request, const msg::Fields& answer,
                       Result<Json> (*run)(Guest&, const Json&)) {
    out.methods[name] = {request, answer,
                         [guest, run](const Json& params) { return run(*guest, params); }};
  };
  out.methods["GetTlsKey"] =
      rpc::Method::later(msg::get_tls_key(), msg::tls_key(), issuing(guest, get_tls_key));
  add("GetKey", msg::get_key(), msg::key(), get_key);
  add("GetQuote", msg::report_data(), msg::quote(), get_quote);
  add("Attest", msg::report_data(), msg::attestation(), attest_answer);
  add("Sign", msg::sign(), msg::signature(), sign);
  out.methods["Verify"] = {msg::verify(), msg::verified(), verify};
  out.methods["Info"] = info_method(guest);
  out.methods["GpuInfo"] = {msg::none(), msg::gpu_info(), [guest](const Json&) -> Result<Json> {
                              return Json{}.set("attestation", guest->gpu_attestation());
                            }};
  out.methods["Version"] = version_method();
  return out;
}

rpc::Service tappd_service(const GuestPtr& guest)
{
  rpc::Service out;
  out.mount = "/prpc/";
  out.trimmed_prefix = "Tappd.";
  out.methods["DeriveKey"] =
      rpc::Method::later(msg::derive_key(), msg::tls_key(), issuing(guest, derive_tls_key));
  out.methods["DeriveK256Key"] = {msg::get_key(), msg::k256_key(), [guest](const Json& params) {
                                    return derive_k256_key(*guest, params);
                                  }};
  out.methods["TdxQuote"] = {msg::tdx_quote_args(), msg::tdx_quote(), [guest](const Json& params) {
                               return tdx_quote(*guest, raw(params, "report_data"),
                                                text(params, "hash_algorithm"),
                                                text(params, "prefix"));
                             }};
  out.methods["RawQuote"] = {msg::report_data(), msg::tdx_quote(), [guest](const Json& params) {
                               return tdx_quote(*guest, raw(params, "report_data"), "raw", "");
                             }};
  out.methods["Info"] = info_method(guest);
  out.methods["Version"] = version_method();
  return out;
}

rpc::Service worker_service(const GuestPtr& guest)
{
  rpc::Service out;
  out.mount = "/prpc/";
  out.trimmed_prefix = "Worker.";
  out.methods["Info"] = {msg::none(), msg::app_info(), [guest](const Json&) {
                           return guest->evidence().public_info(guest->demo_certificate());
                         }};
  out.methods["Version"] = version_method();
  out.methods["GetAttestationForAppKey"] = {
      msg::algorithm(), msg::quote(),
      [guest](const Json& params) { return attestation_for_app_key(*guest, params); }};
  return out;
}

} // namespace dstack::guestapi
