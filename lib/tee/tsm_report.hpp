#pragma once
/// Quotes through the kernel's configfs-tsm interface (Documentation/ABI/testing/
/// configfs-tsm-report; spec guest 8.3).

#include "tee/tee.hpp"

#include <filesystem>

namespace dstack::tee {

/// A quote's size lies between these, both excluded (spec guest 8.3).
inline constexpr std::size_t quote_larger_than = 1020;
inline constexpr std::size_t quote_smaller_than = 8192;

class TsmReport {
public:
  /// Makes the entry (a directory; the kernel fills it) unless it is there, and looks who provides
  /// its reports. Errors say what is missing and what helps.
  static Result<TsmReport> open(const std::filesystem::path& entry);

  /// A quote over this report data and no other. Waits and tries again a few times when the
  /// quoting service is busy or another process used the entry meanwhile.
  Result<Bytes> quote(const ReportData& report_data) const;

private:
  explicit TsmReport(std::filesystem::path entry) : entry_(std::move(entry)) {}
  struct Try;
  Try attempt(const ReportData& report_data) const;
  Result<std::uint64_t> generation() const;

  std::filesystem::path entry_;
};

} // namespace dstack::tee
