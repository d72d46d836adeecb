#pragma once
/// The kernel's configfs-tsm interface (Documentation/ABI/testing/configfs-tsm-report; spec guest
/// 8.3), whatever it reports about: TDX quotes or SEV-SNP reports.

#include "tee/tee.hpp"

#include <filesystem>

namespace dstack::tee {

/// Who is to answer, and in whose words failures are told.
struct TsmProvider {
  std::string_view name;    ///< as the file "provider" says it: "tdx_guest"
  std::string_view service; ///< who makes the report: "the host's quoting service (QGS)"
  std::string_view missing; ///< what it means that no driver is there: "tdx_guest found no TDX"
};

struct TsmAnswer {
  Bytes report{};    ///< outblob
  Bytes auxiliary{}; ///< auxblob; empty where the provider has none
};

class TsmEntry {
public:
  /// Makes the entry (a directory; the kernel fills it) unless it is there, and looks who provides
  /// its reports. Errors say what is missing and what helps.
  static Result<TsmEntry> open(const std::filesystem::path& entry, const TsmProvider& provider);

  /// An answer to this request and no other. Waits and tries again a few times when the provider is
  /// busy or another process used the entry meanwhile. Nothing is said about its content.
  Result<TsmAnswer> ask(const ReportData& report_data) const;

private:
  TsmEntry(std::filesystem::path entry, const TsmProvider& provider)
      : entry_(std::move(entry)), provider_(provider)
  {
  }
  struct Try;
  Try attempt(const ReportData& report_data) const;
  Result<std::uint64_t> generation() const;

  std::filesystem::path entry_;
  TsmProvider provider_;
};

} // namespace dstack::tee
