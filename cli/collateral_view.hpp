#pragma once
/// A set of collateral as people and programs read it. Nothing is verified here.

#include "base/text.hpp"
#include "codec/json.hpp"
#include "dcap/collateral.hpp"

namespace dstack::cli {

/// One part: a signed document, a revocation list or a chain.
struct PartView {
  std::string name{};      ///< "TCB info", for people
  std::string key{};       ///< "tcb_info", in JSON
  std::string detail{};    ///< "version 3, evaluation 17"
  std::int64_t issued = 0; ///< Unix seconds
  std::int64_t next_update = 0;
  std::vector<std::string> issuers{}; ///< common names of its chain, leaf first
  codec::Json facts = codec::Json::object();
};

struct CollateralView {
  std::string fmspc{};
  std::string tee{};
  std::vector<PartView> parts{};
  std::vector<std::string> pck_chain{}; ///< common names, leaf first; often empty
};

/// Errc::malformed when a part cannot be read.
Result<CollateralView> view_of(const dcap::Collateral& collateral);
/// Members to put into a document that has its schema already.
codec::Json to_json(const CollateralView& view);
/// Lines without a newline at the end; what is out of date at that time is marked.
std::string view_text(const CollateralView& view, Time now);
/// As both show the time of a part, in Unix seconds.
std::string date(std::int64_t seconds);

} // namespace dstack::cli
