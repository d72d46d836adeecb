#include "cli/cmd/add.hpp"
#include "cli/context.hpp"

#include <system_error>

namespace dstack::cli {

namespace {

struct Options {
  std::string file = "compose.yaml";
  bool force = false;
};

constexpr std::string_view text =
    R"(# A Docker Compose file for a confidential VM. Run it with:  dstack deploy
# Everything here is measured: who checks the VM sees the hash of this file with image tags
# replaced by digests.
services:
  web:
    image: nginx:1.27-alpine
    ports:
      # Reachable on this machine as http://127.0.0.1:8080 (or elsewhere: dstack deploy --port).
      - "8080:80"
    restart: unless-stopped
    volumes:
      # Named volumes live on the VM's encrypted disk and survive stop, start and update.
      - pages:/usr/share/nginx/html
      # The guest agent: ask it for a quote, or who this app is.
      # - /var/run/dstack.sock:/var/run/dstack.sock
    # Environment files are measured, too: no place for secrets.
    # env_file: web.env

# Cannot work in a VM and are refused: build:, directories of the host as volumes.

volumes:
  pages:
)";

Result<Exit> run(const Options& o, Context& ctx)
{
  std::error_code code;
  if (!o.force && sys::fs::exists(o.file, code))
    return fail(Errc::usage, "{} exists already\n--force replaces it", o.file);
  TRY(sys::write_file_atomic(o.file, as_bytes(text), sys::Privacy::shared));
  ctx.ui().line(fmt::format("wrote {}", o.file));
  ctx.ui().note(fmt::format("next: dstack deploy {}", o.file));
  return Exit::ok;
}

} // namespace

void add_app_init(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("app init", "Write a commented compose.yaml to start from");
  leaf.file_argument("FILE", o->file, "What to write").fallback("compose.yaml");
  leaf.flag("-f,--force", o->force, "Replace the file when it exists");
  leaf.example("dstack app init", "Writes compose.yaml")
      .example("dstack app init shop/compose.yaml", "Somewhere else")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
