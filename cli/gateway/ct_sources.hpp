#pragma once
/// Where `dstack gateway ct-check` gets keys and certificates from.

#include "cli/context.hpp"
#include "transparency/acme_info.hpp"
#include "transparency/check.hpp"

namespace dstack::cli {

/// A file or an address.
Result<transparency::AcmeInfo> read_acme_info(const std::string& place);

struct CtQuestion {
  std::string domain{};
  std::string since{}; ///< "2026-11-30" or empty: what was logged or is valid from then on
};

/// In files and in all files of directories.
Result<std::vector<transparency::SeenCertificate>>
seen_in_files(const std::vector<std::string>& places, const CtQuestion& question);
/// By a search service that answers as crt.sh does.
Result<std::vector<transparency::SeenCertificate>>
seen_in_logs(const std::string& url, const CtQuestion& question, Context& ctx);

} // namespace dstack::cli
