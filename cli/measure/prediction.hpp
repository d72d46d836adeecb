#pragma once
/// Predictions as documents and as text.

#include "cli/measure/shape_options.hpp"
#include "cli/ui/console.hpp"
#include "measure/tdx.hpp"

namespace dstack::cli {

/// What is known of the app, for the values derived from registers and app together.
struct AppInputs {
  Bytes mr_config_id{}; ///< empty: not known
  std::optional<crypto::Sha384Digest> rtmr3{};
};

codec::Json prediction_json(const measure::TdxShape& shape,
                            const measure::TdxPrediction& prediction,
                            const AppInputs& app);
/// Registers and what is derived from them, a line each.
void print_prediction(Console& ui,
                      const measure::TdxPrediction& prediction,
                      const AppInputs& app);
/// Every event, in the order the firmware makes them.
void print_events(Console& ui, const measure::TdxPrediction& prediction);

void print_row(Console& ui, std::string_view name, std::string_view value);

} // namespace dstack::cli
