#pragma once
/// Additions to a policy's text: everything that stands there stays, comments too. What comes out
/// is read again before it is given back, so an edit either means what was asked or fails.

#include "kms/policy.hpp"

namespace dstack::kms {

struct AppAddition {
  std::string id{};                     ///< hex
  std::string name{};                   ///< for an app that is new
  std::vector<std::string> compose{};   ///< hex
  std::optional<std::uint32_t> epoch{}; ///< for an app that is new
};

struct Edited {
  std::string text{};
  bool changed = false; ///< false: everything was there already
};

/// Allows compose hashes of an app; registers it when it is new. Of an app that is there, name and
/// epoch stay.
Result<Edited> add_app(std::string_view text, const AppAddition& app, std::string_view name);
/// Lists an image with its registers; adds the register values that an image that is listed lacks.
Result<Edited> add_image(std::string_view text, const ImageRule& image, std::string_view name);
/// Lets systems be a KMS: adds to [kms] mr_aggregated and devices what is not there.
Result<Edited> add_kms(std::string_view text, const KmsRules& kms, std::string_view name);

/// Tells apps which app their gateways are. Errc::denied when the policy names another one.
Result<Edited> set_gateway(std::string_view text, const std::string& app_id, std::string_view name);

} // namespace dstack::kms
