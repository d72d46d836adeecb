// links: kms
#include "kms/policy_edit.hpp"
#include "kms/policy_review.hpp"

#include <cstddef>
#include <cstdint>

using namespace dstack;

namespace {

/// An edit leaves a policy that allows what was added, or none.
void check_edit(std::string_view text)
{
  const std::string id(40, 'a');
  kms::AppAddition app;
  app.id = id;
  app.compose = {std::string(64, 'b'), std::string(64, 'c')};
  const auto edited = kms::add_app(text, app, "fuzz");
  if (!edited) return;
  const auto after = kms::policy_from_toml(edited->text, "fuzz");
  if (!after || after->find_app(id) == nullptr) __builtin_trap();
  const auto again = kms::add_app(edited->text, app, "fuzz");
  if (!again || again->changed) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  const std::string_view text = as_text(ByteView{data, size});
  const auto policy = kms::policy_from_toml(text, "fuzz");
  if (!policy) return 0;
  static_cast<void>(kms::warnings_of(*policy));
  if (!kms::changes_between(*policy, *policy).empty()) __builtin_trap();
  // Nobody in particular is let in by nothing in particular.
  const auto nobody = kms::decide(*policy, kms::Role::app, kms::BootInfo{});
  if (nobody.allowed || nobody.reason.empty()) __builtin_trap();
  check_edit(text);
  return 0;
}
