#pragma once
/// What a quote says of the platform it comes from, for asking a service. Nothing is verified.

#include "fetch/pcs_request.hpp"

#include <variant>

namespace dstack::fetch {

inline constexpr std::uint16_t pck_chain_data = 5; ///< certification data type

/// Either the chain is inside the quote, or it has to be fetched first.
using PckSource = std::variant<std::string, PckRequest>;

/// The PEM chain of certification data type 5, or what to ask for with types 2 and 3; a plain PPID
/// (type 1) cannot be asked for (Errc::unsupported).
Result<PckSource> pck_source(const dcap::Quote& quote);

/// FMSPC and CA of the chain's leaf, with the quote's TEE and the caller's choice of evaluation.
Result<PcsRequest>
request_for(std::string_view pck_chain, dcap::TeeType tee, const TcbUpdate& update);

} // namespace dstack::fetch
