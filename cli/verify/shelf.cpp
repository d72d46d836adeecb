#include "cli/verify/shelf.hpp"

#include "fetch/quote_platform.hpp"

namespace dstack::cli {

namespace {

constexpr std::uint16_t pck_chain = 5; ///< certification data type

/// The question as text: quotes with the same one share their collateral.
std::string key_of(const dcap::Quote& quote)
{
  if (quote.certification_type != pck_chain)
    return fmt::format("{} {}", name_of(quote.tee), hex(quote.certification_data));
  const auto request =
      fetch::request_for(as_text(quote.certification_data), quote.tee, fetch::TcbUpdate{});
  if (!request) return "";
  return fmt::format("{} {} {}", name_of(request->tee), hex(request->fmspc), name_of(request->ca));
}

/// Nobody is asked about platforms that no vendor vouches for: anyone can make such a quote.
Status check_platform(const dcap::Quote& quote, const dcap::Anchor& anchor)
{
  if (quote.certification_type != pck_chain) return ok();
  static_cast<void>(
      TRY(dcap::prove_pck_chain(as_text(quote.certification_data), anchor).within("PCK chain")));
  return ok();
}

} // namespace

Result<dcap::Collateral> CollateralShelf::fetch_for(const dcap::Quote& quote, Time at)
{
  const fetch::PckSource source = TRY(fetch::pck_source(quote));
  const auto* own = std::get_if<std::string>(&source);
  std::string fetched;
  if (own == nullptr)
    fetched = TRY(sources_.service->pck_certificate_chain(std::get<fetch::PckRequest>(source), at));
  const std::string& chain = own != nullptr ? *own : fetched;
  const auto request = TRY(fetch::request_for(chain, quote.tee, sources_.update));
  fetch::FetchedCollateral out = TRY(sources_.service->collateral(request, at));
  out.collateral.pck_certificate_chain = fetched;
  return std::move(out.collateral);
}

Result<CollateralShelf::Shared>
CollateralShelf::collateral_for(const dcap::Quote& quote, bool simulated, Time at)
{
  const std::lock_guard lock{mutex_};
  const std::string key = sources_.file ? "file" : simulated ? "simulated" : key_of(quote);
  if (const auto known = kept_.find(key); known != kept_.end()) return known->second;
  const bool ask = !sources_.file && !simulated && sources_.service;
  if (ask) TRY(check_platform(quote, *sources_.anchor));
  Result<dcap::Collateral> found =
      fail(Errc::not_found, "no simulated TEE ever ran on this machine: give its root and "
                            "collateral with --root and --collateral");
  if (sources_.file)
    found = *sources_.file;
  else if (simulated && sources_.simulated)
    found = *sources_.simulated;
  else if (!simulated && !sources_.service)
    found = fail(Errc::not_found, "no service to ask for collateral");
  else if (!simulated)
    found = fetch_for(quote, at);
  if (!found) {
    const Errc code = found.error().code() == Errc::timeout ? Errc::timeout : Errc::io;
    return Error{code, "no collateral: " + found.error().message()};
  }
  auto shared = std::make_shared<const dcap::Collateral>(*std::move(found));
  kept_.emplace(key, shared);
  return Shared{std::move(shared)};
}

} // namespace dstack::cli
