#include "oci/challenge.hpp"
#include "oci/image.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"

#include <doctest/doctest.h>

namespace dstack::oci {

TEST_SUITE("oci")
{
  TEST_CASE("references normalise as docker's do")
  {
    const std::string digest = "sha256:" + std::string(64, 'a');
    const auto canonical = [](const std::string& text) {
      const auto reference = parse_reference(text);
      return reference ? reference->canonical() : reference.error().message();
    };
    CHECK(canonical("nginx") == "docker.io/library/nginx:latest");
    CHECK(canonical("nginx:1.27") == "docker.io/library/nginx:1.27");
    CHECK(canonical("grafana/grafana") == "docker.io/grafana/grafana:latest");
    CHECK(canonical("localhost/app") == "localhost/app:latest");
    CHECK(canonical("localhost:5000/app:1") == "localhost:5000/app:1");
    CHECK(canonical("ghcr.io/a/b/c@" + digest) == "ghcr.io/a/b/c@" + digest);
    CHECK(canonical("index.docker.io/library/x:1@" + digest) == "docker.io/library/x:1@" + digest);
    CHECK(parse_reference("nginx")->api_host() == "registry-1.docker.io");
  }

  TEST_CASE("what is no reference is refused")
  {
    for (const char* bad :
         {"", "Nginx", "nginx:", "nginx:a b", "nginx@sha256:12", "nginx@md5:00", "a//b", "/a", "a/",
          "..", "host:99999/a", "host:0/a", "a:-x", "a___b", "-a", "x/é"})
      CHECK_MESSAGE(!parse_reference(bad), bad);
    CHECK(!parse_reference(std::string(2000, 'a')));
  }

  TEST_CASE("manifests and indexes parse, with the platform chosen")
  {
    const std::string a = "sha256:" + std::string(64, 'a');
    const std::string b = "sha256:" + std::string(64, 'b');
    const auto index = parse_document(as_bytes(
        R"({"schemaVersion":2,"manifests":[{"digest":")" + a +
        R"(","size":5,"platform":{"os":"linux","architecture":"arm64"}},{"digest":")" + b +
        R"(","size":6,"platform":{"os":"linux","architecture":"amd64"},"annotations":{"org.opencontainers.image.ref.name":"x:1"}}]})"));
    REQUIRE(index);
    const auto chosen = choose_platform(std::get<Index>(*index));
    REQUIRE(chosen);
    CHECK(chosen->digest == b);
    CHECK(chosen->reference_name == "x:1");
    const auto saved = parse_document(as_bytes(
        R"({"schemaVersion":2,"manifests":[{"digest":")" + a +
        R"(","size":5,"annotations":{"io.containerd.image.name":"docker.io/library/x:1","org.opencontainers.image.ref.name":"1"}}]})"));
    CHECK(std::get<Index>(*saved).manifests[0].reference_name == "docker.io/library/x:1");
    const auto manifest =
        parse_document(as_bytes(R"({"schemaVersion":2,"config":{"digest":")" + a +
                                R"(","size":1},"layers":[{"digest":")" + b + R"(","size":2}]})"));
    REQUIRE(manifest);
    CHECK(std::get<Manifest>(*manifest).layers.size() == 1);
    CHECK(docker_load_manifest({{a, {b}, "x:1"}}) ==
          "[{\"Config\":\"" + blob_path(a) + "\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"" +
              blob_path(b) + "\"]}]");
  }

  TEST_CASE("documents of an image of our own lead from its name to its layer")
  {
    const std::string layer = "sha256:" + std::string(64, 'c');
    const ImageDocuments made = documents_of({"x:1", {"/bin/x", "--dir", "/d"}, layer, 10});
    const auto index = parse_document(as_bytes(made.index));
    REQUIRE(index);
    const Descriptor entry = *choose_platform(std::get<Index>(*index));
    CHECK(entry.reference_name == "x:1");
    CHECK(entry.digest == digest_of(as_bytes(made.manifest)));
    CHECK(entry.size == made.manifest.size());
    const auto manifest = parse_document(as_bytes(made.manifest));
    REQUIRE(manifest);
    CHECK(std::get<Manifest>(*manifest).layers.at(0).digest == layer);
    CHECK(std::get<Manifest>(*manifest).layers.at(0).size == 10);
    CHECK(std::get<Manifest>(*manifest).config.digest == digest_of(as_bytes(made.config)));
    CHECK(made.config == R"({"architecture":"amd64","os":"linux","config":{"Entrypoint":["/bin/x",)"
                         R"("--dir","/d"]},"rootfs":{"type":"layers","diff_ids":[")" +
                             layer + R"("]}})");
  }

  TEST_CASE("malformed manifests say what is wrong")
  {
    const auto why = [](std::string_view text) {
      const auto document = parse_document(as_bytes(text));
      return document ? std::string{"accepted"} : document.error().message();
    };
    CHECK(why("{}") == "image manifest: schemaVersion is not 2");
    CHECK(why(R"({"schemaVersion":1})") == "image manifest: schemaVersion is not 2");
    CHECK(why(R"({"schemaVersion":2})") == "image manifest: 'config' is missing");
    CHECK(why(R"({"schemaVersion":2,"manifests":{}})") ==
          "image index: 'manifests': an object where a list is wanted");
    CHECK(why(R"({"schemaVersion":2,"manifests":[{"digest":"sha256:xx","size":1}]})") ==
          "image index: 'manifests' entry 0: digest 'sha256:xx' is not sha256");
    CHECK(why("[]").find("image manifest") == 0);
    CHECK(check_digest(as_bytes("x"), "sha256:" + std::string(64, '0'), "layer").error().code() ==
          Errc::untrusted);
    CHECK(check_digest(as_bytes("x"), digest_of(as_bytes("x")), "layer"));
    const auto none = choose_platform(Index{{{"", "", 0, "windows", "amd64", ""}}});
    CHECK(none.error().message() == "the image has no linux/amd64 variant (it has windows/amd64)");
  }

  TEST_CASE("token challenges give a url, and never plain http to a stranger")
  {
    const auto challenge = parse_challenge(
        R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull")");
    REQUIRE(challenge);
    CHECK(*token_url(*challenge, "") ==
          "https://auth.docker.io/token?service=registry.docker.io&scope=repository:a/b:pull");
    CHECK(!parse_challenge("Basic realm=\"x\""));
    CHECK(!parse_challenge("Bearer realm"));
    CHECK(!parse_challenge("Bearer service=\"x\""));
    CHECK(!token_url({"http://evil/token", "s", "x"}, ""));
    CHECK(!token_url({"http://127.0.0.1:1@evil/token", "s", "x"}, ""));
    CHECK(*token_url({"http://127.0.0.1:5001/t", "s", ""}, "a b") ==
          "http://127.0.0.1:5001/t?service=s&scope=a%20b");
  }
}

} // namespace dstack::oci
