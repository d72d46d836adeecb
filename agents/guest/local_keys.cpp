#include "guest/local_keys.hpp"

#include "crypto/hash.hpp"
#include "dcap/verify.hpp"

#include <algorithm>

namespace dstack::guest {

namespace {

/// The provider verifies our quote, for which it may fetch collateral: 30 s each way (spec kms 16).
constexpr std::chrono::milliseconds exchange_deadline{75'000};

Status check_enclave(const dcap::Quote& quote, const Bytes& encrypted_key)
{
  if (quote.tee != dcap::TeeType::sgx)
    return fail(Errc::untrusted, "it is a quote of {} (want an SGX enclave)",
                dcap::name_of(quote.tee));
  if (!dcap::attribute_flags(quote).empty())
    return fail(Errc::untrusted, "the enclave can be debugged: its keys are no secrets");
  const auto want = crypto::sha256(encrypted_key);
  if (!std::equal(want.begin(), want.end(), quote.enclave.report_data.begin()))
    return fail(Errc::untrusted, "the quote vouches for another key (report data {}, box {})",
                hex(quote.enclave.report_data), hex(want));
  return ok();
}

} // namespace

Result<ProviderAnswer> parse_provider_answer(const codec::Json& answer)
{
  ProviderAnswer out;
  out.encrypted_key =
      TRY(parse_hex(TRY(answer.need_string("encrypted_key"))).within("encrypted_key"));
  out.provider_quote =
      TRY(parse_hex(TRY(answer.need_string("provider_quote"))).within("provider_quote"));
  out.collateral = TRY(answer.need_string("collateral"));
  return out;
}

Result<LocalKey> open_provider_answer(const ProviderAnswer& answer,
                                      const crypto::BoxKey& recipient,
                                      const dcap::Anchor& anchor,
                                      Time now)
{
  const dcap::Collateral collateral =
      TRY(dcap::collateral_from_json(answer.collateral).within("collateral"));
  dcap::Verifier verifier{anchor};
  auto judged = verifier.verify(answer.provider_quote, collateral, now.seconds());
  if (!judged.report)
    return std::move(*judged.error).within(dcap::id_of(judged.reached)).within("provider's quote");
  const dcap::Quote& quote = judged.report->quote;
  TRY(check_enclave(quote, answer.encrypted_key).within("provider's quote"));
  LocalKey out;
  out.seed = TRY(recipient.open(answer.encrypted_key));
  out.mr_enclave = to_bytes(quote.enclave.mr_enclave);
  return out;
}

Result<LocalKey> request_local_key(tee::Tee& tee,
                                   HostLink& host,
                                   const std::string& app_id_hex,
                                   const std::string& instance_id_hex,
                                   Time now)
{
  const auto call = [&host](std::string_view method, codec::Json params) {
    return host.call(method, std::move(params), exchange_deadline);
  };
  return request_local_key(tee, call, app_id_hex, instance_id_hex, now);
}

Result<LocalKey> request_local_key(tee::Tee& tee,
                                   const tee::HostCall& host,
                                   const std::string& app_id_hex,
                                   const std::string& instance_id_hex,
                                   Time now)
{
  const auto recipient = crypto::BoxKey::generate();
  tee::ReportData report_data{};
  std::copy(recipient.public_key().begin(), recipient.public_key().end(), report_data.begin());
  const dcap::Anchor anchor = TRY(tee.provider_root().within("local key provider"));
  const Bytes quote = TRY(tee.quote(report_data).within("local key provider"));
  codec::Json params;
  params.set("quote", hex(quote)).set("app_id", app_id_hex).set("instance_id", instance_id_hex);
  const codec::Json answer =
      TRY(host("GetSealingKey", std::move(params)).within("local key provider"));
  const auto parsed = TRY(parse_provider_answer(answer).within("local key provider"));
  return open_provider_answer(parsed, recipient, anchor, now).within("local key provider");
}

} // namespace dstack::guest
