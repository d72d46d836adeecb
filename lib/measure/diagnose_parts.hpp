#pragma once
/// The registers one by one; each may narrow `found`, which starts as the stated shape.

#include "measure/diagnose.hpp"

#include <span>

namespace dstack::measure {

struct Search {
  const TdxShape& stated;
  const Observed& observed;
  TdxShape found{};
  std::span<const FirmwareSuspect> firmwares{};
  std::vector<Finding> findings{};
};

Status diagnose_rtmr0(Search& search);
void diagnose_rtmr2(Search& search,
                    const std::vector<DigestSuspect>& cmdlines,
                    const std::vector<DigestSuspect>& initrds);

/// For a register that no finding is about: it is as stated.
void add_match(Search& search, std::size_t rtmr);

/// One finding for every event of the log that is the same for all and yet differs, `variable` ones
/// apart. False, with a finding: the log has not as many events as this firmware makes.
bool add_constants(Search& search,
                   std::size_t rtmr,
                   const std::vector<BootEvent>& predicted,
                   const std::vector<std::size_t>& variable);

/// A finding that is complete but for its fit and reasons.
Finding finding_of(std::string_view place,
                   const crypto::Sha384Digest& predicted,
                   const crypto::Sha384Digest& actual);
/// The same about one event.
Finding event_finding(std::string_view place,
                      const BootEvent& predicted,
                      const crypto::Sha384Digest& actual);
/// The image's own is no difference.
void add_label(Finding& finding,
               std::string_view input,
               const std::string& own,
               const std::string& found);

} // namespace dstack::measure
