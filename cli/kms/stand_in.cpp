#include "cli/kms/stand_in.hpp"

#include "compose/app_compose.hpp"

namespace dstack::cli {

namespace {

/// The same at every start and on every machine, so that its registers are.
Result<std::string> kms_app_compose()
{
  compose::BuildOptions build;
  build.name = "dstack-kms";
  build.docker_compose_file = "services:\n  kms:\n    image: dstack/kms\n";
  build.no_instance_id = true; // spec kms 9.2: its measurements must not change with the instance
  return compose::build_app_compose(build);
}

} // namespace

Result<std::unique_ptr<KmsAttester>> KmsAttester::find(sys::Loop& loop,
                                                       const Context& ctx,
                                                       const sys::fs::path& directory,
                                                       const kms::Settings& settings,
                                                       const std::string& given)
{
  std::unique_ptr<KmsAttester> out{new KmsAttester};
  // Its root counts only where the policy allows simulated evidence.
  const sys::fs::path tee = ctx.dirs().data / "simulated-tee";
  out->address_ = known_agent(ctx, given, settings.agent);
  if (!out->address_.empty()) {
    if (sys::fs::exists(tee / "collateral.json")) out->simulated_tee_ = tee;
    return out;
  }
  World world = TRY(make_world(TRY(kms_app_compose()), tee, std::nullopt));
  out->simulated_tee_ = tee;
  out->played_ = TRY(PlayedAgent::create(loop, directory, std::move(world)));
  out->address_ = out->played_->address();
  return out;
}

void KmsAttester::describe(codec::Json& settings) const
{
  settings.set("agent", address_);
  if (!simulated_tee_.empty()) settings.set("simulated_tee", simulated_tee_.string());
}

} // namespace dstack::cli
