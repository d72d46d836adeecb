#include "cli/cmd/add.hpp"
#include "cli/kms/image.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string output;
  std::vector<std::string> files;
};

Result<Exit> run(const Options& o)
{
  ImageFiles files;
  std::string program;
  for (const std::string& text : o.files) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return fail(Errc::usage, "--file {}: want PLACE=FILE", text);
    const std::string place = text.substr(0, equals);
    if (program.empty()) program = place;
    files[place] = text.substr(equals + 1);
  }
  TRY(write_kms_image(o.output, files, program));
  return Exit::ok;
}

} // namespace

void add_kms_image(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("__kms-image", "Write the container image of dstack-kms");
  leaf.argument("OUT", o->output, "The OCI image layout, one tar file").required();
  leaf.option("--file", o->files, "PLACE=FILE", "A file of the image; the first is the program")
      .repeats();
  leaf.hide().runs([o](Context&) { return run(*o); });
}

} // namespace dstack::cli
