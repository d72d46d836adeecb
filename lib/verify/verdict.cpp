#include "verify/verdict.hpp"

namespace dstack::verify {

std::string_view name_of(Outcome outcome)
{
  switch (outcome) {
  case Outcome::passed:
    return "passed";
  case Outcome::failed:
    return "failed";
  case Outcome::noted:
    return "noted";
  case Outcome::not_run:
    return "not run";
  }
  return "";
}

std::string_view name_of(Answer answer)
{
  switch (answer) {
  case Answer::trusted:
    return "trusted";
  case Answer::unchecked:
    return "could not check";
  case Answer::refused:
    return "refused";
  case Answer::malformed:
    return "malformed";
  }
  return "";
}

} // namespace dstack::verify
