#include "fetch/collateral_shelf.hpp"

#include "fetch/quote_platform.hpp"
#include "sys/clock.hpp"

namespace dstack::fetch {

namespace {

constexpr std::int64_t keep_answer_ms = 600'000;
constexpr std::int64_t keep_refusal_ms = 60'000;
constexpr std::size_t max_places = 1024;

CollateralShelf::Shared shared(std::optional<dcap::Collateral>& from)
{
  return from ? std::make_shared<const dcap::HashedCollateral>(*std::move(from)) : nullptr;
}

/// What a service does or fails to do says nothing about the evidence.
Error not_had(const Error& why)
{
  const Errc code = why.code() == Errc::timeout ? Errc::timeout : Errc::io;
  return Error{code, "no collateral: " + why.message()};
}

} // namespace

CollateralShelf::CollateralShelf(Sources sources)
    : sources_(std::move(sources)), file_(shared(sources_.file)),
      simulated_(shared(sources_.simulated))
{
}

Result<CollateralShelf::Shared> CollateralShelf::fetch_for(const dcap::Quote& quote, Time at)
{
  const PckSource source = TRY(pck_source(quote));
  const auto* own = std::get_if<std::string>(&source);
  std::string fetched;
  if (own == nullptr)
    fetched = TRY(sources_.service->pck_certificate_chain(std::get<PckRequest>(source), at));
  const auto request =
      TRY(request_for(own != nullptr ? *own : fetched, quote.tee, sources_.update));
  FetchedCollateral out = TRY(sources_.service->collateral(request, at));
  out.collateral.pck_certificate_chain = fetched;
  return std::make_shared<const dcap::HashedCollateral>(std::move(out.collateral));
}

/// The question as text: quotes with the same one share their collateral. Nobody is asked about
/// platforms that no vendor vouches for: anyone can make such a quote.
Result<std::string> CollateralShelf::question_about(const dcap::Quote& quote)
{
  if (quote.certification_type != pck_chain_data)
    return fmt::format("{} {}", name_of(quote.tee), hex(quote.certification_data));
  const std::pair key{quote.tee, crypto::sha256(quote.certification_data)};
  {
    const std::lock_guard lock{mutex_};
    if (const auto known = questions_.find(key); known != questions_.end()) return known->second;
  }
  const std::string_view chain = as_text(quote.certification_data);
  static_cast<void>(TRY(dcap::prove_pck_chain(chain, *sources_.anchor).within("PCK chain")));
  const auto request = TRY(request_for(chain, quote.tee, TcbUpdate{}));
  std::string out =
      fmt::format("{} {} {}", name_of(request.tee), hex(request.fmspc), name_of(request.ca));
  const std::lock_guard lock{mutex_};
  if (questions_.size() >= max_places) questions_.clear();
  questions_.emplace(key, out);
  return out;
}

std::shared_ptr<CollateralShelf::Place> CollateralShelf::place_for(const std::string& question)
{
  const std::lock_guard lock{mutex_};
  if (places_.size() >= max_places) places_.clear();
  std::shared_ptr<Place>& place = places_[question];
  if (!place) place = std::make_shared<Place>();
  return place;
}

Result<CollateralShelf::Shared>
CollateralShelf::collateral_for(const dcap::Quote& quote, bool simulated, Time at)
{
  if (file_) return file_;
  if (simulated && simulated_) return simulated_;
  if (simulated)
    return fail(Errc::not_found, "no simulated TEE ever ran on this machine: its root and "
                                 "collateral have to be given");
  if (!sources_.service || !sources_.anchor)
    return fail(Errc::config, "no collateral: there is no service to ask for it");
  const auto place = place_for(TRY(question_about(quote)));
  const std::lock_guard lock{place->mutex};
  const Time now = sys::now();
  const std::int64_t keep = place->answer && *place->answer ? keep_answer_ms : keep_refusal_ms;
  if (place->answer && now.ms - place->asked_at.ms < keep) return *place->answer;
  auto found = fetch_for(quote, at);
  place->answer = found ? std::move(found) : Result<Shared>{not_had(found.error())};
  place->asked_at = now;
  return *place->answer;
}

Result<snp::Certificates> CollateralShelf::certificates_for(const snp::Report& report,
                                                            Time at) const
{
  const KdsRequest request = TRY(kds_request(report).within("no certificates"));
  if (!sources_.kds)
    return fail(Errc::config, "no certificates: there is no service of AMD's to ask for them");
  auto chain = sources_.kds->chain(request, at);
  if (!chain) return not_had(chain.error());
  return snp::Certificates{std::move(chain->vcek), std::move(chain->ask), std::move(chain->ark),
                           std::move(chain->crl)};
}

} // namespace dstack::fetch
