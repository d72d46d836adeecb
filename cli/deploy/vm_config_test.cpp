#include "attest/identity.hpp"
#include "cli/deploy/prediction.hpp"
#include "cli/deploy/sys_config.hpp"

#include <doctest/doctest.h>

namespace dstack::cli {

namespace {

using codec::Json;

/// An image directory with the two files that verifiers need; gone with the value.
class Image {
public:
  explicit Image(std::string_view document)
  {
    REQUIRE(sys::write_file_atomic(path_ / document, as_bytes("cbor"), sys::Privacy::shared));
    REQUIRE(sys::write_file_atomic(path_ / "sha256sum.txt", as_bytes("list"),
                                   sys::Privacy::shared));
  }
  ~Image() { static_cast<void>(sys::remove_tree(path_)); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  const sys::fs::path& path() const { return path_; }

private:
  sys::fs::path path_ = *sys::make_temp_directory(sys::fs::temp_directory_path(), "dstack-image");
};

store::VmSpec spec_of(store::Tee tee, std::uint64_t megabytes)
{
  store::VmSpec out;
  out.tee = tee;
  out.memory_bytes = megabytes << 20U;
  out.image.name = "dstack-0.6.0";
  out.app.app_id = "9085fa0948c9caba1bbdfb7dabb2df59b0180be7";
  out.app.compose_hash = "9085fa0948c9caba1bbdfb7dabb2df59b0180be72fb11d2f3a205dcf20a7661f";
  return out;
}

std::string variant(std::uint64_t megabytes, const compose::AppCompose& app, const Image& image)
{
  const auto documents = image_documents(spec_of(store::Tee::tdx, megabytes), app, image.path());
  REQUIRE(documents);
  return *documents->get_string("tdx_attestation_variant", "legacy");
}

} // namespace

TEST_SUITE("cli::vm_config")
{
  TEST_CASE("verifiers are told the machine, the image and its measurements")
  {
    const Image image{"measurement.tdx.cbor"};
    const store::VmSpec spec = spec_of(store::Tee::tdx, 4096);
    HostSays host;
    host.machine.cpus = 4;
    host.machine.nics = 3;
    host.machine.qemu = measure::QemuVersion{10, 1, 0};
    host.documents = *image_documents(spec, {}, image.path());
    const auto told = codec::parse_json(sys_config(spec, {}, host));
    REQUIRE(told);
    const Json vm = *codec::parse_json(*told->need_string("vm_config"));
    CHECK(*measure::parse_vm_config(vm) == host.machine);
    CHECK(*vm.need_string("image") == "dstack-0.6.0");
    CHECK(*vm.need_string("host_share_mode") == "vhd");
    CHECK(*vm.need_string("tdx_attestation_variant") == "lite");
    const Json& document = *vm.find("tdx_measurement");
    CHECK(*document.need_string("checksum_file") == base64(as_bytes("list")));
    CHECK(*document.need_string("measurement") == base64(as_bytes("cbor")));
    host = {};
    host.qemu_version = "10.2.0-rc1";
    CHECK(vm_config_text(spec, {}, host).find(R"("qemu_version":"10.2.0-rc1")") !=
          std::string::npos);
  }

  TEST_CASE("evidence verifies without the image where the kernel is served as usual, or as the "
            "app wants (spec host 5.7)")
  {
    const Image image{"measurement.tdx.cbor"};
    const Image bare{"measurement.snp.cbor"};
    CHECK(variant(2048, {}, image) == "lite");
    CHECK(variant(2049, {}, image) == "legacy");
    CHECK(variant(3071, {}, image) == "legacy");
    CHECK(variant(3072, {}, image) == "lite");
    CHECK(variant(4096, {}, bare) == "legacy");
    compose::AppCompose app;
    app.requirements.emplace();
    CHECK(variant(4096, app, image) == "lite");
    app.requirements->tdx_measure_acpi_tables = true;
    CHECK(variant(4096, app, image) == "legacy");
    app.requirements->tdx_measure_acpi_tables = false;
    CHECK(variant(1024, app, image) == "lite");
    CHECK(image_documents(spec_of(store::Tee::sim, 4096), {}, image.path())->members().empty());
  }

  TEST_CASE("SEV-SNP's measurements are a text in the document")
  {
    const Image image{"measurement.snp.cbor"};
    store::VmSpec spec = spec_of(store::Tee::snp, 4096);
    spec.cpus = 3;
    const auto documents = image_documents(spec, {}, image.path());
    REQUIRE(documents);
    const Json document = *codec::parse_json(*documents->need_string("sev_snp_measurement"));
    CHECK(*document.need_string("measurement") == base64(as_bytes("cbor")));
    CHECK(*document.need_u64("vcpus") == 3);
    CHECK(*document.need_string("vcpu_type") == "EPYC-v4");
    CHECK(*document.need_u64("guest_features") == 1);
  }

  TEST_CASE("the document that binds an app is the one of spec host 5.8")
  {
    store::VmSpec spec = spec_of(store::Tee::snp, 4096);
    compose::AppCompose app;
    app.key_provider = compose::KeyProvider::kms;
    const std::string document = mr_config_document(spec, app);
    CHECK(document ==
          R"({"app_id":"9085fa0948c9caba1bbdfb7dabb2df59b0180be7",)"
          R"("compose_hash":"9085fa0948c9caba1bbdfb7dabb2df59b0180be72fb11d2f3a205dcf20a7661f",)"
          R"("key_provider":"kms","version":3})");
    HostSays host;
    host.mr_config = document;
    CHECK(*codec::parse_json(sys_config(spec, {}, host))->need_string("mr_config") == document);
    spec.placement.gpus = {"0000:17:00.0"};
    app.manifest_version = 3;
    app.init_script = {"true"};
    app.key_provider_id = {0, 0xff};
    const Json full = *codec::parse_json(mr_config_document(spec, app));
    CHECK(*full.need_string("gpu_policy_hash") ==
          "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"); // SHA-256 of {}
    CHECK(full.find("init_script_hashes")->items().front().text() ==
          "b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b"); // of "true"
    CHECK(*full.need_string("key_provider_id") == "00ff");
    const auto identity = attest::identity_of_mr_config(mr_config_document(spec, app));
    REQUIRE(identity);
    CHECK(identity->init_script_hashes.size() == 1);
  }
}

TEST_SUITE("cli::predict")
{
  TEST_CASE("what the guest says otherwise is named")
  {
    const Predicted predicted{{{"mrtd", "aa"}, {"rtmr0", "bb"}}, "dstack measure x"};
    Measurements told;
    told.mrtd = "aa";
    told.rtmr0 = "bb";
    told.rtmr3 = "cc"; // the app's: nobody predicts it
    CHECK(not_as_predicted(predicted, told).empty());
    told.rtmr0 = "bc";
    CHECK(not_as_predicted(predicted, told) == std::vector<std::string>{"RTMR0"});
    CHECK(predicted_text(predicted) ==
          "predicted for this image and machine, reported by nothing yet:\n"
          "MRTD         aa\nRTMR0        bb\ndstack measure x");
    CHECK(codec::write_json(predicted_json(predicted)) ==
          R"({"mrtd":"aa","rtmr0":"bb","command":"dstack measure x"})");
  }

  TEST_CASE("a QEMU of no release is not predicted")
  {
    CHECK(predict(spec_of(store::Tee::tdx, 2048), {}).error().message() ==
          "this host's QEMU is of no released version");
  }
}

} // namespace dstack::cli
