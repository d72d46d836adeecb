#pragma once
/// From facts about a machine to what is there, what is missing and what to do about it. Pure: the
/// same facts give the same checks anywhere.

#include "host/facts.hpp"

namespace dstack::host {

enum class Severity {
  good,
  remark, ///< VMs of the platform asked about run without it
  problem ///< they do not
};

struct Check {
  std::string name{};
  Severity severity = Severity::good;
  std::string evidence{}; ///< what was seen; may hold bytes of others: print through printable()
  std::string remedy{};   ///< empty when good
};

/// What VMs are to be protected by.
enum class Platform { sim, tdx, snp };
std::string_view name_of(Platform platform);
Result<Platform> parse_platform(std::string_view name); ///< "sim" "tdx" "snp"

/// What a deploy takes when nothing is asked for: tdx where KVM offers it, otherwise sim. SEV-SNP
/// has to be asked for.
Platform usual_platform(const Facts& facts);

/// One check for each thing VMs of that platform need or may use, in an order in which a later one
/// rests on earlier ones.
std::vector<Check> judge(const Facts& facts, Platform platform);

} // namespace dstack::host
