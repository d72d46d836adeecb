#include "compose/project.hpp"

#include <doctest/doctest.h>

namespace dstack::compose {

namespace {

std::string project_error(std::string_view text, const Variables& variables = {})
{
  const auto project = read_project(text, {"compose.yaml", variables});
  return project ? "accepted" : project.error().message();
}

/// One service named a with more lines.
std::string service(std::string_view more)
{
  return fmt::format("services:\n  a:\n    image: x\n    {}\n", more);
}

std::string ports_of(std::string_view list)
{
  const auto project = read_project(service(fmt::format("ports: {}", list)));
  if (!project) return project.error().message();
  std::string out;
  for (const PortMapping& port : project->services[0].ports)
    out += fmt::format("{}|{}-{}|{}|{} ", port.host_ip, port.published, port.published_last,
                       port.target, port.protocol);
  return out;
}

std::string expanded(std::string_view text)
{
  const auto out = interpolate(text, {{"A", "1"}, {"E", ""}});
  return out ? *out : "error: " + out.error().message();
}

std::string dotenv(std::string_view text, const char* name)
{
  const auto out = parse_dotenv(text, ".env");
  if (!out) return out.error().message();
  return out->contains(name) ? out->at(name) : "unset";
}

} // namespace

TEST_SUITE("compose: project")
{
  TEST_CASE("a usual file")
  {
    const std::string text = R"(
name: shop
services:
  web:
    image: shop:1
    ports: ["8080:80"]
    env_file: [./web.env, {path: more.env, required: false}]
    depends_on: [store]
    volumes: ["/var/run/dstack.sock:/var/run/dstack.sock", "/scratch"]
  store:
    image: "store:${TAG}"
    privileged: yes
    volumes:
      - notes:/notes:ro
      - {type: tmpfs, target: /t}
volumes:
  notes:
)";
    const auto project = read_project(text, {"c.yaml", {{"TAG", "7"}}});
    REQUIRE_MESSAGE(project, project.error().message());
    CHECK(project->name == "shop");
    CHECK(project->images() == std::vector<std::string>{"shop:1", "store:7"});
    CHECK(project->services[0].mounts[0].kind == MountKind::guest_socket);
    CHECK(project->services[0].mounts[1].kind == MountKind::anonymous);
    CHECK(project->services[1].mounts[0].kind == MountKind::volume);
    CHECK(project->services[1].mounts[0].read_only);
    CHECK(project->services[1].mounts[1].kind == MountKind::tmpfs);
    CHECK(project->services[1].privileged);
    CHECK(project->services[0].depends_on == std::vector<std::string>{"store"});
    CHECK(project->published_ports().size() == 1);
    const std::map<std::string, bool> files{
        {".env", false}, {"more.env", false}, {"web.env", true}};
    CHECK(needed_files(*project) == files);
  }

  TEST_CASE("ports, short and long")
  {
    CHECK(ports_of(R"(["80"])") == "|0-0|80|tcp ");
    CHECK(ports_of("[9000]") == "|0-0|9000|tcp ");
    CHECK(ports_of(R"(["8080:80/udp"])") == "|8080-8080|80|udp ");
    CHECK(ports_of(R"(["127.0.0.1:50-51:60-61"])") ==
          "127.0.0.1|50-50|60|tcp 127.0.0.1|51-51|61|tcp ");
    CHECK(ports_of(R"(["30-35:90"])") == "|30-35|90|tcp ");
    CHECK(ports_of(R"(["[::1]:81:82"])") == "::1|81-81|82|tcp ");
    CHECK(ports_of(R"(["0.0.0.0::99"])") == "0.0.0.0|0-0|99|tcp ");
    CHECK(ports_of(R"([{target: 80, published: "8081-8083", protocol: udp, host_ip: 1.2.3.4}])") ==
          "1.2.3.4|8081-8083|80|udp ");
    CHECK(ports_of("[{target: 80, published: 8080}]") == "|8080-8080|80|tcp ");
    CHECK(ports_of(R"(["80:70000"])") ==
          "compose.yaml:4:13: ports: '70000' is no port (want 1 to 65535)");
    CHECK(ports_of(R"(["80-82:90-91"])") ==
          "compose.yaml:4:13: ports: ranges 80-82 and 90-91 differ in length");
    CHECK(ports_of(R"(["80:1:2"])") == "compose.yaml:4:13: ports: '80' is no IP address");
    CHECK(ports_of(R"(["80:80/sctp"])") ==
          "compose.yaml:4:13: ports: protocol 'sctp' (want tcp or udp)");
    CHECK(ports_of("[{published: 80}]") == "compose.yaml:4:13: ports: target is missing");
  }

  TEST_CASE("what a confidential VM cannot do is refused with place and remedy")
  {
    CHECK(project_error(service("build: .")) ==
          "compose.yaml:4:5: service 'a': build: nothing is built inside a confidential VM; build "
          "and push the image first, or put it in an OCI layout and pass --images");
    CHECK(project_error(service("volumes: [\"./data:/data\"]")) ==
          "compose.yaml:4:15: bind mount of './data': a confidential VM shares no files with its "
          "host; put the files into the image, use a named volume, or 'configs:' with 'content:'");
    CHECK(project_error(service("volumes: [{type: bind, source: /etc, target: /e}]"))
              .starts_with("compose.yaml:4:15: bind mount of '/etc'"));
    CHECK(
        project_error(service("volumes: [\"/dev/kvm:/dev/kvm\"]")) ==
        "compose.yaml:4:15: bind mount of /dev/kvm: a confidential VM has no devices of its host");
    CHECK(project_error(service("devices: [/dev/kvm]"))
              .starts_with("compose.yaml:4:5: service 'a': devices:"));
    CHECK(project_error(service("extends: {service: b}"))
              .starts_with("compose.yaml:4:5: service 'a': extends:"));
    CHECK(project_error("include: [x.yaml]\nservices: {a: {image: x}}")
              .starts_with("compose.yaml:1:1: include:"));
    CHECK(project_error("services: {a: {image: x}}\nconfigs: {c: {file: ./x}}") ==
          "compose.yaml:2:21: config 'c' comes from a file of the host, which the VM does not see; "
          "write the text here with 'content:' (configs) or use 'env_file:'");
    CHECK(project_error("services: {a: {image: x}}\nvolumes: {c: {external: true}}") ==
          "compose.yaml:2:25: volume 'c' is external: nothing exists in the VM before the app; "
          "remove 'external'");
    CHECK(project_error("services: {a: {image: x}}\nvolumes: {c: {driver_opts: {o: bind}}}")
              .starts_with("compose.yaml:2:32: volume 'c' is a bind mount"));
    CHECK(project_error(service("env_file: ../x.env")) ==
          "compose.yaml:4:15: env_file: '../x.env' is not a plain path below the project; "
          "environment files must lie beside or below the compose file");
  }

  TEST_CASE("malformed files are refused with their place")
  {
    CHECK(project_error("") == "compose.yaml:1:1: the file is empty");
    CHECK(project_error("[]") == "compose.yaml:1:1: the file: a map is wanted");
    CHECK(project_error("name: x\n") == "compose.yaml:1:1: no 'services:' in the file");
    CHECK(project_error("services: {}\n") == "compose.yaml:1:11: services: there is none");
    CHECK(project_error("service:\n  a: {image: x}\n") ==
          "compose.yaml:1:1: the file: unknown key 'service'; did you mean 'services'?");
    CHECK(project_error("services: {a: {}}") == "compose.yaml:1:12: service 'a' names no image");
    CHECK(project_error("services: {a: {image: 5}}") ==
          "compose.yaml:1:23: service 'a': image: a text is wanted");
    CHECK(project_error("services: {a: {image: 'x y'}}") ==
          "compose.yaml:1:23: service 'a': image reference 'x y': the name must be lower-case "
          "letters, digits and single separators");
    CHECK(project_error("services: {a b: {image: x}}") ==
          "compose.yaml:1:12: 'a b' is no service name");
    CHECK(project_error("services: {5: {image: x}}") ==
          "compose.yaml:1:12: key '5' is no text; put it in quotes");
    CHECK(project_error(service("prots: []")) ==
          "compose.yaml:4:5: service 'a': unknown key 'prots'; did you mean 'ports'?");
    CHECK(project_error(service("depends_on: [b]")) ==
          "compose.yaml:2:3: service 'a' depends on 'b', which is not in the file");
    CHECK(project_error(
              "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [b]}}") ==
          "compose.yaml:1:44: service 'b' waits for itself: its depends_on lead back to it");
    CHECK(project_error("services: {a: {image: x, depends_on: [b, c]}, b: {image: x}, "
                        "c: {image: x, depends_on: [d]}, d: {image: x, depends_on: [b, a]}}")
              .find("waits for itself") != std::string::npos);
    CHECK(project_error(service("restart: sometimes")) ==
          "compose.yaml:4:14: service 'a': restart: 'sometimes' (want no, always, unless-stopped, "
          "on-failure or on-failure:TIMES)");
    CHECK(project_error(service("restart: 'on-failure:5'")) == "accepted");
    CHECK(project_error(service("ports: ['80:1', '81:1',\n      '127.0.0.1:80:2']")) ==
          "compose.yaml:5:7: ports: 80 is published on line 4 already");
    CHECK(project_error(service("ports: ['80:1', '80:1/udp', '10.0.0.1:81:1', '10.0.0.2:81:1']")) ==
          "accepted");
    CHECK(
        project_error(service("volumes: [\"data:/d\"]")) ==
        "compose.yaml:4:15: volume 'data' is not declared; add it under the top-level 'volumes:'");
    CHECK(project_error(service("volumes: [\"d:/d\"]")) ==
          "compose.yaml:4:15: volumes: docker compose takes the one-letter name 'd' for a drive; "
          "use a longer one");
    CHECK(project_error(service("privileged: 1")) ==
          "compose.yaml:4:17: privileged: true or false is wanted");
    CHECK(project_error(service("labels: {d: 2024-01-01}")) ==
          "compose.yaml:4:17: '2024-01-01' is read as a date; put it in quotes");
    CHECK(project_error(service("tty: !reset null")).starts_with("compose.yaml:4:10: tag !reset"));
    CHECK(project_error(service("image: y")) ==
          "compose.yaml:4:5: key 'image' twice (first on line 3)");
    CHECK(project_error(service("command: echo $HOME")) ==
          "compose.yaml:4:14: variable HOME is not set; set it in the project's .env file, give a "
          "default (${HOME:-value}), or write $$HOME to leave it to the container");
    CHECK(project_error(service("x-a: 1"), {{"COMPOSE_PROFILES", "x"}}) ==
          ".env: COMPOSE_PROFILES would change how docker compose runs inside the VM; remove it");
  }

  TEST_CASE("profiles keep services from starting, and their images and ports out of the lists")
  {
    const auto project = read_project(
        "services:\n  a: {image: x}\n  b: {image: y, profiles: [p], ports: ['1:1']}\n");
    CHECK(project->images() == std::vector<std::string>{"x"});
    CHECK(project->published_ports().empty());
    CHECK(image_uses(*project).size() == 2);
    CHECK(
        project_error("services: {a: {image: x, depends_on: [b]}, b: {image: y, profiles: [p]}}") ==
        "compose.yaml:1:12: service 'a' depends on 'b', which its profile keeps from starting");
  }
}

TEST_SUITE("compose: variables")
{
  TEST_CASE("the specification's forms")
  {
    CHECK(expanded("$A ${A} $$A $$$A") == "1 1 $A $1");
    CHECK(expanded("${A:-x} ${E:-x} ${E-x} ${Z-x} ${Z:-${A}y}") == "1 x  x 1y");
    CHECK(expanded("${A:+p} [${E:+p}] ${E+p} [${Z+p}]") == "p [] p []");
    CHECK(expanded("${A:?no} ${E?no} ${A-}}") == "1  1}");
    CHECK(expanded("${Z:-a:-b} ${Z-:x} ${Z:-a$$b}") == "a:-b :x a$b");
    CHECK(expanded("a$ $ b $1 $") == "a$ $ b $1 $");
    CHECK(expanded("${Z:?is needed}") == "error: variable Z is required: is needed");
    CHECK(expanded("${Z").starts_with("error: '${' without '}'"));
    CHECK(expanded("${}").starts_with("error: '${}' is no variable"));
    CHECK(expanded("${A!}").starts_with("error: '${A!}' is no variable"));
    CHECK(expanded("$Z").starts_with("error: variable Z is not set"));
    std::string deep;
    for (int i = 0; i < 40; ++i)
      deep += "${Z:-";
    CHECK(expanded(deep + std::string(40, '}')) == "error: variables nested too deep");
  }

  TEST_CASE(".env files")
  {
    const std::string text = "# c\nA=1\nexport B = two words # c\nC=\"q\\n$A\"\nD='lit $A #x'\nE=\n"
                             "F=x#y\nG=${A}b\nH=${Q:-dd}\nI: colon\nJ=\"m\nl\"\nK=a\\nb\nL=x   \n";
    CHECK(dotenv(text, "A") == "1");
    CHECK(dotenv(text, "B") == "two words");
    CHECK(dotenv(text, "C") == "q\n1");
    CHECK(dotenv(text, "D") == "lit $A #x");
    CHECK(dotenv(text, "E").empty());
    CHECK(dotenv(text, "F") == "x#y");
    CHECK(dotenv(text, "G") == "1b");
    CHECK(dotenv(text, "H") == "dd");
    CHECK(dotenv(text, "I") == "colon");
    CHECK(dotenv(text, "J") == "m\nl");
    CHECK(dotenv(text, "K") == "a\\nb");
    CHECK(dotenv(text, "L") == "x");
    CHECK(dotenv("A=\"\\$B\"", "A") == "$B");
    CHECK(dotenv("A= # c", "A") == "# c");
    CHECK(dotenv("A=1\nB\n", "B") == ".env:2: not NAME=VALUE");
    CHECK(dotenv("A='x", "A") == ".env:1: A: the quote is not closed");
    CHECK(dotenv("A=\"x\"y", "A") == ".env:1: A: text after the closing quote");
    CHECK(dotenv("\n\nA=$Q", "A").starts_with(".env:3: A: variable Q is not set"));
  }
}

TEST_SUITE("compose: pinning")
{
  const std::string one = "sha256:" + std::string(64, '1');
  const std::string two = "sha256:" + std::string(64, '2');

  TEST_CASE("only the references change")
  {
    const std::string text = "# é\nx-i: &i   nginx:1   # anchor\nservices:\n"
                             "  a: {image: nginx:1, tty: true}\n"
                             "  b:\n    image: *i # alias\n"
                             "  c:\n    image: &c \"redis:${T:-7}\" # quoted\n"
                             "  d:\n    image: 'x@" +
                             two + "'\n  e:\n    <<: {image: 'redis:7'}\r\n";
    const auto project = read_project(text);
    REQUIRE_MESSAGE(project, project.error().message());
    const auto pinned = pin_images(text, *project, {{"nginx:1", one}, {"redis:7", two}});
    REQUIRE(pinned);
    CHECK(*pinned == "# é\nx-i: &i   nginx:1   # anchor\nservices:\n"
                     "  a: {image: nginx:1@" +
                         one +
                         ", tty: true}\n"
                         "  b:\n    image: nginx:1@" +
                         one +
                         " # alias\n"
                         "  c:\n    image: &c \"redis:7@" +
                         two +
                         "\" # quoted\n"
                         "  d:\n    image: 'x@" +
                         two + "'\n  e:\n    <<: {image: 'redis:7@" + two + "'}\r\n");
    const auto again = read_project(*pinned);
    CHECK(again->images().front() == "nginx:1@" + one);
    CHECK(*pin_images(*pinned, *again, {{"nginx:1", two}}) == *pinned);
  }

  TEST_CASE("a reference over several lines is refused, an unknown one left alone")
  {
    const std::string text = "services:\n  a:\n    image: >-\n      nginx:1\n";
    const auto project = read_project(text);
    CHECK(*pin_images(text, *project, {}) == text);
    CHECK(pin_images(text, *project, {{"nginx:1", one}}).error().message() ==
          "line 3: image 'nginx:1': write the image reference on one line");
  }

  TEST_CASE("environment files have limits")
  {
    CHECK(check_env_files({{"a.env", "A=1"}}));
    CHECK(check_env_files({{"a", std::string(65537, 'x')}}).error().message() ==
          "a: 65537 bytes (limit 65536)");
    std::map<std::string, std::string> many;
    for (int i = 0; i < 5; ++i)
      many[std::to_string(i)] = std::string(60000, 'x');
    CHECK(check_env_files(many).error().message() == "300000 bytes together (limit 262144)");
  }

  TEST_CASE("variables that only the VM knows count as set, and are in nothing that is measured")
  {
    const std::string text = "services:\n  a:\n    image: a:1\n    environment:\n"
                             "      T: ${TOKEN:?wanted}\n    secrets: [s]\n"
                             "secrets:\n  s:\n    environment: TOKEN\n";
    CHECK_FALSE(read_project(text));
    ReadOptions options;
    options.encrypted = {"TOKEN"};
    const auto project = read_project(text, options);
    REQUIRE(project);
    CHECK(*pin_images(text, *project, {}) == text);
    options.variables["TOKEN"] = "of .env"; // the VM's own wins there
    CHECK(read_project(text, options));
    for (const char* name : {"COMPOSE_FILE", "DOCKER_HOST"}) {
      options.encrypted = {"TOKEN", name};
      CHECK_FALSE(read_project(text, options));
    }
  }
}

} // namespace dstack::compose
