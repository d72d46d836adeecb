#include "agents/vm/tee_service.hpp"

#include "sys/clock.hpp"
#include "tee/sim_image.hpp"

namespace dstack::supervisor {

namespace fs = std::filesystem;

Result<std::unique_ptr<TeeService>> TeeService::create(const store::VmSpec& spec,
                                                       const image::Metadata& image,
                                                       const fs::path& data_directory,
                                                       const fs::path& tee_file)
{
  auto boot = TRY(tee::simulated_image_boot(spec.image.path, image, {spec.cpus, spec.memory_bytes})
                      .within("measure image {}", spec.image.name));
  auto authority = TRY(tee::SimAuthority::open(data_directory / "simulated-tee", sys::now())
                           .within("simulated TEE"));
  const Bytes config_id = TRY(mr_config_id(spec));
  tee::SimTee tee{std::move(authority), std::move(boot), config_id};
  std::unique_ptr<TeeService> service{new TeeService{std::move(tee), tee_file}};
  TRY(service->save());
  return service;
}

Status TeeService::reset()
{
  tee_.reset();
  return save();
}

Result<codec::Json> TeeService::handle(std::string_view method, const codec::Json& params)
{
  codec::Json answer = TRY(tee_.handle(method, params));
  if (method == "Tee.Extend") TRY(save());
  return answer;
}

Status TeeService::save() const
{
  const std::string text = codec::write_json(tee_.save(), {.indent = 2}) + "\n";
  return sys::write_file_atomic(file_, as_bytes(text), sys::Privacy::owner_only).within("tee.json");
}

} // namespace dstack::supervisor
