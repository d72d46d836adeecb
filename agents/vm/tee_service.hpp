#pragma once
/// The simulated TEE of one VM: registers predicted from the image, answers to "Tee." requests,
/// tee.json for those who look from outside.

#include "agents/vm/machine.hpp"
#include "tee/sim_host.hpp"

namespace dstack::supervisor {

class TeeService {
public:
  /// Reads the image's files and the development keys below data_directory.
  static Result<std::unique_ptr<TeeService>> create(const store::VmSpec& spec,
                                                    const image::Metadata& image,
                                                    const std::filesystem::path& data_directory,
                                                    const std::filesystem::path& tee_file);

  /// The guest boots: its runtime register is zero again.
  Status reset();
  Result<codec::Json> handle(std::string_view method, const codec::Json& params);

private:
  TeeService(tee::SimTee tee, std::filesystem::path file)
      : tee_(std::move(tee)), file_(std::move(file))
  {
  }
  Status save() const;

  tee::SimTee tee_;
  std::filesystem::path file_;
};

} // namespace dstack::supervisor
