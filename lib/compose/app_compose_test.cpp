#include "compose/app_compose.hpp"

#include "crypto/hash.hpp"

#include <doctest/doctest.h>

namespace dstack::compose {

namespace {

const std::string a1 =
    R"({"docker_compose_file":"services:\n  web:\n    image: nginx:1.27\n","gateway_enabled":true,)"
    R"("kms_enabled":true,"manifest_version":2,"name":"demo","no_instance_id":false,)"
    R"("public_logs":true,"public_sysinfo":true,"public_tcbinfo":true,)"
    R"("runner":"docker-compose","secure_time":false})";

const std::string c =
    R"({"docker_compose_file":"services:\n  web:\n    image: nginx:1.27\n",)"
    R"("init_script":["echo one","echo two"],"key_provider":"kms","manifest_version":"3",)"
    R"("name":"demo3","requirements":{"os_version":">=0.6.0","platforms":["dstack-tdx"],)"
    R"("tdx_measure_acpi_tables":false},"runner":"nerdctl-compose","snapshotter":"stargz"})";

std::string hash_of(std::string_view text)
{
  return hex(compose_hash(as_bytes(text)));
}

std::string pretty(int indent, codec::JsonOrder order, std::string_view text)
{
  return codec::write_json(*codec::parse_json(text), {indent, order, codec::JsonEscape::utf8});
}

std::string app_error(std::string_view text)
{
  const auto app = parse_app_compose(text);
  return app ? "accepted" : app.error().message();
}

/// A small valid app with more members.
std::string with(std::string_view more)
{
  return fmt::format(R"({{"manifest_version":2,"name":"a","runner":"docker-compose"{}{}}})",
                     more.empty() ? "" : ",", more);
}

std::string with_3(std::string_view more)
{
  return fmt::format(R"({{"manifest_version":"3","name":"a","runner":"docker-compose",{}}})", more);
}

std::vector<std::string> refused_fields(std::string_view text)
{
  std::vector<std::string> out;
  for (const auto& [field, why] : check_supported(*parse_app_compose(text)))
    out.push_back(field);
  return out;
}

} // namespace

TEST_SUITE("compose: hashes")
{
  TEST_CASE("trap 17: worked examples of the published format, hashed as the bytes they are")
  {
    CHECK(a1.size() == 277);
    CHECK(hash_of(a1) == "9085fa0948c9caba1bbdfb7dabb2df59b0180be72fb11d2f3a205dcf20a7661f");
    CHECK(hash_of(a1 + "\n") == "0fb4dd6a0fee81ed70a15607d50689018d0c16b92f9924fcc5ed26b5f5ba6d9f");
    CHECK(hash_of(pretty(2, codec::JsonOrder::sorted, a1)) ==
          "5779181d8a2e54bec8772b529b5e19a2d330b53e809f3dd58d70b734a383acc3");
    CHECK(c.size() == 314);
    CHECK(hash_of(c) == "19cef3380db64cf7b104741ec94715fb06101cad26439d51d0ebf4cac2f4b82c");
    const std::string b =
        R"({"docker_compose_file":"services: {}\n","manifest_version":2,"name":"dé","runner":"docker-compose"})";
    CHECK(b.size() == 100);
    CHECK(hash_of(b) == "71392e269f9cf809b9f8f28a9468549c3c7abc6403b75adbfa26c00b4386754b");
    CHECK(hash_of(codec::write_json(*codec::parse_json(b), {-1, codec::JsonOrder::as_written,
                                                            codec::JsonEscape::ascii})) ==
          "f63f2bced37a08f8cf1aae17eba46ee1b7e554f30e49c6637877962251933b14");
    CHECK(
        hash_of(
            R"({"allowed_envs":["A"],"docker_compose_file":"services:\n  web:\n    image: nginx\n","gateway_enabled":true,"manifest_version":2,"name":"demo","runner":"docker-compose","text":"你好"})") ==
        "9aca51cada0df52d660f9c85b3bb00cd8183e6bd1cbd38e38839f0e7c6ea6b7b");
  }

  TEST_CASE("the order in which the older client writes keys")
  {
    const codec::Json in = *codec::parse_json(a1);
    codec::Json out = codec::Json::object();
    for (const char* key : {"manifest_version", "name", "runner", "docker_compose_file",
                            "kms_enabled", "gateway_enabled", "public_logs", "public_sysinfo",
                            "public_tcbinfo", "no_instance_id", "secure_time"})
      out.set(key, *in.find(key));
    const std::string text = codec::write_json(out, {4});
    CHECK(text.size() == 344);
    CHECK(hash_of(text) == "9d3f7a2ede53155016fcf5a8735bd8dd1bcaeb45e2d2d00282004cfcfcecf9f5");
  }

  TEST_CASE("app id and instance id")
  {
    const auto app = app_id(compose_hash(as_bytes(a1)));
    CHECK(hex(app) == "9085fa0948c9caba1bbdfb7dabb2df59b0180be7");
    const Bytes seed = *parse_hex("4befb40617034796ce9aad5b07b812359d8817bd");
    CHECK(hex(instance_id(seed, app)) == "76e7ad5b862432c6f0324bf4fba69e6184e64c3e");
    AppId twos{};
    twos.fill(2);
    CHECK(hex(instance_id(Bytes(20, 1), twos)) == "e3783929a196ec9479a1b1a4abb0a19873bb2e58");
    CHECK(hex(instance_id(Bytes(20, 1), twos, Bytes(32, 0xaa))) ==
          "7a45d73b89a801d210555695a983f686074dc56a");
  }

  TEST_CASE("launch token and GPU policy")
  {
    CHECK(hex(launch_token_hash("unit-test-launch-token-0000000001")) ==
          "28faa1319055d733ad9651f5ab7689c15b04609846bcd27b3c5bc8df6246f5a3");
    CHECK(hex(gpu_policy_hash(*parse_app_compose(a1))) ==
          "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  }

  TEST_CASE("normalising sorts, and prunes only what the runner does not use")
  {
    CHECK(*normalise_app_compose(pretty(4, codec::JsonOrder::as_written, a1), Prune::nothing) ==
          a1);
    const std::string bash =
        R"({"runner":"bash","pre_launch_script":"","docker_compose_file":"x","bash_script":"y"})";
    CHECK(*normalise_app_compose(bash, Prune::unused_fields) ==
          R"({"bash_script":"y","runner":"bash"})");
  }
}

TEST_SUITE("compose: app-compose.json")
{
  TEST_CASE("the worked examples are read")
  {
    const auto first = *parse_app_compose(a1);
    CHECK(first.name == "demo");
    CHECK(first.manifest_version == 2);
    CHECK(first.key_provider == KeyProvider::kms);
    CHECK(first.key_provider_field == "kms_enabled");
    CHECK(first.gateway_enabled);
    CHECK_FALSE(first.secure_time);
    CHECK(*first.docker_compose_file == "services:\n  web:\n    image: nginx:1.27\n");
    const auto third = *parse_app_compose(c);
    CHECK(third.manifest_version == 3);
    CHECK(third.runner == Runner::nerdctl_compose);
    CHECK(third.snapshotter == "stargz");
    CHECK(third.init_script == std::vector<std::string>{"echo one", "echo two"});
    CHECK(third.requirements->platforms == std::vector<std::string>{"dstack-tdx"});
    CHECK(third.requirements->tdx_measure_acpi_tables == false);
  }

  TEST_CASE("defaults are those of the format, not those of our deploy")
  {
    const auto app = *parse_app_compose(with(""));
    CHECK(app.public_tcbinfo);
    CHECK_FALSE(app.public_logs);
    CHECK(app.secure_time);
    CHECK(app.key_provider == KeyProvider::none);
    CHECK(app.event_log_version == 1);
  }

  TEST_CASE("older spellings")
  {
    CHECK(parse_app_compose(with(R"("tproxy_enabled":true)"))->gateway_enabled);
    CHECK(parse_app_compose(with(R"("features":["tproxy-net"])"))->gateway_enabled);
    CHECK(parse_app_compose(with(R"("local_key_provider_enabled":true)"))->key_provider ==
          KeyProvider::local);
    CHECK(parse_app_compose(with(R"("kms_enabled":true,"key_provider":"none")"))->key_provider ==
          KeyProvider::none);
    CHECK(parse_app_compose(with(R"("init_script":"x")"))->init_script.size() == 1);
    CHECK(parse_app_compose(with(R"("init_script":null)"))->init_script.empty());
    CHECK(parse_app_compose(with(R"("swap_size":"2G")"))->swap_bytes == std::uint64_t{2} << 30U);
    CHECK(parse_app_compose(with(R"("swap_size":4096)"))->swap_bytes == 4096);
    CHECK(parse_app_compose(with(R"("something_else":{"a":1})"))->json.find("something_else"));
  }

  TEST_CASE("malformed ones are refused with the field's name")
  {
    CHECK(app_error("{") == "app-compose: JSON: syntax error at byte 2");
    CHECK(app_error("[]") == "app-compose: not an object");
    CHECK(app_error(R"({"name":"a","name":"b"})") == "app-compose: JSON: key 'name' twice");
    CHECK(app_error(R"({"name":"a","runner":"bash"})") == "app-compose: manifest_version: missing");
    CHECK(app_error(R"({"manifest_version":3})") ==
          "app-compose: manifest_version: 3 as a number (from 3 on a string: \"3\")");
    CHECK(app_error(R"({"manifest_version":0})") ==
          "app-compose: manifest_version: 0 (want 1 or 2, or \"1\" to \"3\")");
    CHECK(app_error(R"({"manifest_version":"03"})") ==
          "app-compose: manifest_version: \"03\" (want \"1\" to \"3\")");
    CHECK(app_error(R"({"manifest_version":"4"})") ==
          "app-compose: manifest_version: \"4\" is newer than this program knows (3)");
    CHECK(app_error(R"({"manifest_version":2,"runner":"bash"})") == "app-compose: name: missing");
    CHECK(app_error(R"({"manifest_version":2,"name":"a"})") == "app-compose: runner: missing");
    CHECK(app_error(R"({"manifest_version":2,"name":"a","runner":"podman"})") ==
          "app-compose: runner: \"podman\" (want docker-compose, nerdctl-compose, bash or none)");
    CHECK(app_error(R"({"manifest_version":2,"name":"a","runner":"nerdctl-compose"})") ==
          "app-compose: runner: nerdctl-compose needs manifest_version \"3\"");
    CHECK(app_error(with(R"("public_logs":"yes")")) ==
          "app-compose: public_logs: a string where a boolean is wanted");
    CHECK(app_error(with(R"("public_logs":null)")) ==
          "app-compose: public_logs: null where a boolean is wanted");
    CHECK(app_error(with(R"("snapshotter":"stargz")")) ==
          "app-compose: snapshotter: only with runner nerdctl-compose");
    CHECK(app_error(with(R"("init_script":["a","b"])")) ==
          "app-compose: init_script: more than one script needs manifest_version \"3\"");
    CHECK(app_error(with_3(R"("init_script":["","","","","",""])")) ==
          "app-compose: init_script: 6 scripts (limit 5)");
    CHECK(app_error(with(R"("key_provider":"hsm")")) ==
          "app-compose: key_provider: \"hsm\" (want none, kms, local or tpm)");
    CHECK(app_error(with(R"("key_provider_id":null)")) ==
          "app-compose: key_provider_id: null where a string is wanted");
    CHECK(app_error(with(R"("storage_fs":"xfs")")) ==
          "app-compose: storage_fs: \"xfs\" (want zfs or ext4)");
    CHECK(app_error(with(R"("event_log_version":3)")) ==
          "app-compose: event_log_version: 3 (want 1 or 2)");
    CHECK(app_error(with(R"("allowed_envs":["A",1])")) ==
          "app-compose: allowed_envs: [1]: a number where a string is wanted");
    CHECK(app_error(with(R"("requirements":{})")) ==
          "app-compose: requirements: needs manifest_version \"3\"");
    CHECK(app_error(with_3(R"("requirements":{"os_versions":"*"})")) ==
          "app-compose: requirements: unknown key 'os_versions' (did you mean 'os_version'?)");
    CHECK(app_error(with_3(R"("requirements":{"platforms":["tdx"]})")) ==
          "app-compose: requirements: platforms: [0]: unknown platform 'tdx'");
    CHECK(
        app_error(with(R"("verity_volumes":[{"source":"a","verity_root":"00","target":"/a"}])")) ==
        "app-compose: verity_volumes: [0]: verity_root: 1 bytes of hex (want 32)");
    CHECK(app_error(with(R"("env_files":{"../x":"A=1"})")) ==
          "app-compose: env_files: '../x' is not a plain path below the project");
    CHECK(app_error(with(R"("env_files":{"/x":"A=1"})")) ==
          "app-compose: env_files: '/x' is absolute");
    CHECK(app_error(with(R"("port_policy":{"ports":[{"port":70000}]})")) ==
          "app-compose: port_policy: ports: [0]: port: 70000 is above 65535");
  }

  TEST_CASE("version requirements")
  {
    for (const char* good : {"*", "1", "^1.2", "~1.2.3", ">=0.6.0, <0.7.0", "=1.2.3-rc.1+b", "1.*"})
      CHECK_MESSAGE(app_error(with_3(fmt::format(R"("requirements":{{"os_version":"{}"}})",
                                                 good))) == "accepted",
                    good);
    for (const char* bad : {"", ",", ">=", "1.2.3.4", "01", "1.*.2", "1-rc", ">=1,", "a"})
      CHECK_MESSAGE(app_error(with_3(
                        fmt::format(R"("requirements":{{"os_version":"{}"}})", bad))) != "accepted",
                    bad);
  }

  TEST_CASE("every field the guest would ignore is named")
  {
    const auto names = refused_fields(with_3(
        R"("docker_compose_file":"","pre_launch_script":"x","init_script":"y","allowed_envs":["A"],)"
        R"("key_provider":"tpm","key_provider_id":"00","gateway_enabled":true,"swap_size":1,)"
        R"("storage_fs":"zfs","event_log_version":2,"port_policy":{"restrict_mode":true},)"
        R"("docker_config":{"registry":"x"},"requirements":{})"));
    CHECK(names == std::vector<std::string>{"docker_config", "key_provider", "gateway_enabled",
                                            "secure_time", "storage_fs"});
    CHECK(refused_fields(with_3(
              R"("secure_time":false,"requirements":{"gpu_policy":{"rego":"package policy"}})")) ==
          std::vector<std::string>{"docker_compose_file", "requirements.gpu_policy.rego"});
    CHECK(refused_fields(with_3(R"("secure_time":false,"docker_compose_file":"","key_provider":)"
                                R"("local","swap_size":"1G","event_log_version":2,"init_script":)"
                                R"(["a","b"],"pre_launch_script":"c","allowed_envs":["A"],)"
                                R"("requirements":{"os_version":">=0.6"})"))
              .empty());
    CHECK(require_supported(
              *parse_app_compose(
                  with_3(R"("docker_compose_file":"","secure_time":false,"storage_fs":"zfs")")))
              .error()
              .message() == "app-compose asks for storage_fs (the data disk is ext4)");
  }

  TEST_CASE("a gateway is for apps of a KMS with an instance id; a port policy is for a gateway")
  {
    CHECK(refused_fields(a1).empty());
    const auto fields = [](const std::string& more) {
      return refused_fields(with_3(R"("docker_compose_file":"","secure_time":false,)" + more));
    };
    using Names = std::vector<std::string>;
    for (const char* enabled : {R"("gateway_enabled":true)", R"("tproxy_enabled":true)",
                                R"("features":["tproxy-net"])"}) {
      CAPTURE(enabled);
      const std::string text = enabled;
      CHECK(fields(text + R"(,"key_provider":"kms")").empty());
      CHECK(fields(text) == Names{"gateway_enabled"});
      CHECK(fields(text + R"(,"key_provider":"local")") == Names{"gateway_enabled"});
      CHECK(fields(text + R"(,"key_provider":"kms","no_instance_id":true)") ==
            Names{"no_instance_id"});
      const std::string policy = R"(,"key_provider":"kms","port_policy":{"ports":[{"port":)";
      CHECK(fields(text + policy + R"(80,"pp":true}],"restrict_mode":true})").empty());
      CHECK(fields(text + policy + "0}]}") == Names{"port_policy"});
    }
    CHECK(fields(R"("port_policy":{"ports":[],"restrict_mode":false})").empty());
    CHECK(fields(R"("port_policy":{"ports":[{"port":80}]})") == Names{"port_policy"});
  }

  TEST_CASE("what we build is accepted, supported and always the same")
  {
    BuildOptions options;
    options.name = "demo";
    options.docker_compose_file = "services: {}\n";
    options.env_files["store.env"] = "A=1\n";
    const std::string text = *build_app_compose(options);
    CHECK(text == R"({"docker_compose_file":"services: {}\n","env_files":{"store.env":"A=1\n"},)"
                  R"("gateway_enabled":false,"key_provider":"none","kms_enabled":false,)"
                  R"("local_key_provider_enabled":false,"manifest_version":2,"name":"demo",)"
                  R"("no_instance_id":false,"public_logs":true,"public_sysinfo":true,)"
                  R"("public_tcbinfo":true,"runner":"docker-compose","secure_time":false,)"
                  R"("storage_fs":"ext4"})");
    const auto app = *parse_app_compose(text);
    CHECK(check_supported(app).empty());
    CHECK(app.env_files == options.env_files);
    CHECK(*normalise_app_compose(text, Prune::nothing) == text);
    options.key_provider = KeyProvider::kms;
    options.gateway_enabled = true;
    options.port_policy = *codec::parse_json(R"({"restrict_mode":true,"ports":[{"port":80}]})");
    const std::string reachable = *build_app_compose(options);
    CHECK(reachable.find(R"("gateway_enabled":true,)") != std::string::npos);
    CHECK(reachable.find(R"("port_policy":{"ports":[{"port":80}],"restrict_mode":true})") !=
          std::string::npos);
    CHECK(check_supported(*parse_app_compose(reachable)).empty());
    options.name = "";
    CHECK(build_app_compose(options).error().message() == "an app name of 0 bytes (want 1 to 128)");
  }
}

} // namespace dstack::compose
