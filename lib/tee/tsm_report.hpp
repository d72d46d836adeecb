#pragma once
/// TDX quotes through configfs-tsm (spec guest 8.3).

#include "tee/tsm_entry.hpp"

namespace dstack::tee {

/// A quote's size lies between these, both excluded (spec guest 8.3).
inline constexpr std::size_t quote_larger_than = 1020;
inline constexpr std::size_t quote_smaller_than = 8192;

class TsmReport {
public:
  static Result<TsmReport> open(const std::filesystem::path& entry);

  /// A quote over this report data and no other.
  Result<Bytes> quote(const ReportData& report_data) const;

private:
  explicit TsmReport(TsmEntry entry) : entry_(std::move(entry)) {}
  TsmEntry entry_;
};

} // namespace dstack::tee
