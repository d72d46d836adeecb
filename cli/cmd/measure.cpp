#include "cli/cmd/add.hpp"
#include "cli/images.hpp"
#include "cli/measure/material.hpp"
#include "cli/measure/prediction.hpp"
#include "cli/ui/table.hpp"
#include "cli/verify/question.hpp"
#include "tee/sim_image.hpp"

namespace dstack::cli {

namespace {

constexpr std::size_t max_mr_config = std::size_t{64} << 10U;

struct Options {
  std::vector<std::string> words; ///< the image, then further axes
  std::vector<std::string> matrix;
  ShapeOptions shape;
  std::string tee = "tdx";
  std::string cpu_type = "EPYC-v4";
  std::string compose;
  std::string mr_config;
  std::string rtmr3;
  bool events = false;
};

/// The image's name, and the axes that stand among the words.
struct Words {
  std::string image{};
  std::vector<measure::Axis> axes{};
};

Result<Words> read_words(const Options& o)
{
  Words out;
  for (const std::string& axis : o.matrix)
    out.axes.push_back(TRY(measure::parse_axis(axis).within("--matrix")));
  for (std::size_t i = 0; i < o.words.size(); ++i) {
    if (o.words[i].find('=') != std::string::npos && !o.matrix.empty())
      out.axes.push_back(TRY(measure::parse_axis(o.words[i]).within("--matrix")));
    else if (out.image.empty())
      out.image = o.words[i];
    else
      return fail(Errc::usage, "one image at a time: {} and {}", out.image, o.words[i]);
  }
  return out;
}

Result<std::vector<measure::VmConfig>> machines_of(const Options& o, const Words& words)
{
  measure::VmConfig base = default_vm();
  TRY(apply(o.shape, base));
  std::vector<measure::VmConfig> out;
  for (const auto& row : TRY(measure::combinations(words.axes))) {
    out.push_back(base);
    for (std::size_t i = 0; i < row.size(); ++i)
      TRY(measure::set_input(out.back(), words.axes[i].name, row[i]).within("--matrix"));
  }
  return out;
}

Result<AppInputs> read_app(const Options& o)
{
  AppInputs out;
  if (!o.rtmr3.empty())
    out.rtmr3 = TRY(as_usage(parse_hex_array<48>(o.rtmr3).within("--rtmr3")));
  if (!o.compose.empty() && !o.mr_config.empty())
    return fail(Errc::usage, "give --compose or --mr-config, not both");
  if (!o.compose.empty())
    out.mr_config_id = attest::mr_config_id_v1(
        TRY(parse_hex_array<32>(TRY(compose_hash_of(o.compose).within("--compose")))));
  if (!o.mr_config.empty()) {
    const std::string document = TRY(sys::read_text(o.mr_config, max_mr_config));
    TRY(attest::identity_of_mr_config(document).within("--mr-config"));
    out.mr_config_id = attest::mr_config_id_v3(document);
  }
  return out;
}

codec::Json document_head(const Options& o, const ImageFiles& image)
{
  return codec::Json::object()
      .set("schema", "dstack.measure/1")
      .set("image", image.name)
      .set("os_image_hash", image.os_image_hash)
      .set("tee", o.tee);
}

/// Puts the members of one machine's document behind the head.
codec::Json joined(codec::Json head, const codec::Json& machine)
{
  for (const auto& [key, value] : machine.members())
    head.set(key, value);
  return head;
}

void print_head(Console& ui, const ImageFiles& image)
{
  print_row(ui, "image", image.name);
  print_row(ui, "os image hash",
            image.os_image_hash.empty() ? "(it lists no digests)" : image.os_image_hash);
}

/// The version is the input that people get wrong, so it always shows where it comes from.
void print_inputs(Console& ui, const measure::VmConfig& vm, const measure::TdxShape& shape)
{
  print_row(ui, "QEMU",
            fmt::format("{}{}", measure::text_of(shape.machine.qemu),
                        vm.qemu ? "" : "  ASSUMED: --qemu takes the host's"));
  for (const std::string& line : inputs_text(shape))
    print_row(ui, "", line);
}

struct Predicted {
  measure::TdxShape shape{};
  measure::TdxPrediction prediction{};
};

Result<std::vector<Predicted>> predict_all(const std::vector<measure::VmConfig>& machines,
                                           const ImageFiles& image)
{
  std::vector<Predicted> out;
  TdxNeeds needs;
  for (const measure::VmConfig& vm : machines) {
    out.push_back({TRY(measure::shape_of(vm)), {}});
    add_need(needs, out.back().shape);
  }
  const measure::TdxMaterial material = TRY(tdx_material(image, needs));
  measure::AcpiCache tables;
  for (Predicted& one : out)
    one.prediction = TRY(measure::predict_tdx(material, one.shape,
                                              TRY(tables.digests(one.shape.machine))));
  return out;
}

void print_matrix(Console& ui, const Words& words, const std::vector<Predicted>& all)
{
  std::vector<std::string> head;
  for (const measure::Axis& axis : words.axes)
    head.push_back(axis.name);
  for (const std::string_view name : {"MRTD", "RTMR0", "RTMR1", "RTMR2"})
    head.emplace_back(name);
  Table table{head};
  const auto rows = measure::combinations(words.axes);
  for (std::size_t i = 0; rows && i < all.size(); ++i) {
    std::vector<std::string> cells = (*rows)[i];
    cells.push_back(hex(all[i].prediction.mrtd));
    for (const auto& value : all[i].prediction.rtmr)
      cells.push_back(hex(value));
    table.row(std::move(cells));
  }
  ui.line(trim(table.text()));
}

Result<Exit> run_tdx(const Options& o, const Words& words, const ImageFiles& image, Context& ctx)
{
  auto machines = TRY(machines_of(o, words));
  TRY(add_kernel_source(image, machines));
  const AppInputs app = TRY(read_app(o));
  const std::vector<Predicted> all = TRY(predict_all(machines, image));
  Console& ui = ctx.ui();
  if (ui.json()) {
    codec::Json list = codec::Json::array();
    for (const Predicted& one : all)
      list.push(prediction_json(one.shape, one.prediction, app));
    codec::Json head = document_head(o, image);
    head.set("qemu_assumed", !machines.front().qemu);
    ui.document(words.axes.empty() ? joined(std::move(head), list.items().front())
                                   : head.set("machines", std::move(list)));
    return Exit::ok;
  }
  print_head(ui, image);
  print_inputs(ui, machines.front(), all.front().shape);
  if (!words.axes.empty()) {
    print_matrix(ui, words, all);
    return Exit::ok;
  }
  print_prediction(ui, all.front().prediction, app);
  if (o.events) print_events(ui, all.front().prediction);
  return Exit::ok;
}

Result<Exit> run_snp(const Options& o, const Words& words, const ImageFiles& image, Context& ctx)
{
  const auto machines = TRY(machines_of(o, words));
  const measure::SnpImage material = TRY(snp_material(image));
  codec::Json list = codec::Json::array();
  Table table{{"CPUS", "LAUNCH DIGEST"}};
  for (const measure::VmConfig& vm : machines) {
    const measure::SnpShape shape{vm.cpus, o.cpu_type, 1};
    const std::string digest = hex(TRY(measure::snp_launch_digest(material, shape)));
    table.row({fmt::format("{}", vm.cpus), digest});
    list.push(codec::Json::object()
                  .set("inputs", codec::Json::object()
                                     .set("cpus", vm.cpus)
                                     .set("cpu_type", o.cpu_type)
                                     .set("guest_features", std::uint64_t{shape.guest_features}))
                  .set("launch_digest", digest));
  }
  if (ctx.ui().json()) {
    codec::Json head = document_head(o, image);
    ctx.ui().document(words.axes.empty() ? joined(std::move(head), list.items().front())
                                         : head.set("machines", std::move(list)));
    return Exit::ok;
  }
  print_head(ctx.ui(), image);
  print_row(ctx.ui(), "CPU type", fmt::format("{}, SEV features 1", o.cpu_type));
  ctx.ui().line(trim(table.text()));
  return Exit::ok;
}

Result<Exit> run_sim(const Options& o, const Words& words, const ImageFiles& image, Context& ctx)
{
  if (!words.axes.empty()) return fail(Errc::usage, "--matrix is for TDX and SEV-SNP");
  const auto machines = TRY(machines_of(o, words));
  const auto boot = TRY(tee::simulated_image_boot(
      image.directory, image.metadata, {machines[0].cpus, machines[0].memory_bytes}));
  if (ctx.ui().json()) {
    ctx.ui().document(joined(document_head(o, image), to_json(boot)));
    return Exit::ok;
  }
  print_head(ctx.ui(), image);
  print_row(ctx.ui(), "SIMULATED", "no TEE hardware reports these");
  print_row(ctx.ui(), "MRTD", hex(boot.mrtd));
  for (std::size_t i = 0; i < 3; ++i)
    print_row(ctx.ui(), fmt::format("RTMR{}", i), hex(boot.rtmr[i]));
  return Exit::ok;
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const Words words = TRY(read_words(o));
  const ImageFiles image = TRY(open_image(ctx, words.image));
  if (o.tee == "snp") return run_snp(o, words, image, ctx);
  if (o.tee == "sim") return run_sim(o, words, image, ctx);
  return run_tdx(o, words, image, ctx);
}

void add_options(Leaf& leaf, Options& o)
{
  leaf.arguments("IMAGE", o.words, "Name or directory; the newest when left out")
      .completes(image_candidates);
  leaf.option("--tee", o.tee, "WORD", "Whose registers").choices({"tdx", "snp", "sim"}).fallback(
      "tdx");
  add_shape_options(leaf, o.shape);
  leaf.option("--cpu-type", o.cpu_type, "NAME", "QEMU's CPU model, for SEV-SNP")
      .fallback("EPYC-v4")
      .group("The VM");
  leaf.option("--matrix", o.matrix, "INPUT=VALUES",
              "Every combination of several inputs' values: cpus=1,2,4 memory=2G,4G");
  leaf.file("--compose", o.compose, "App-compose.json or bundle, for MR_CONFIG_ID version 1")
      .group("The app");
  leaf.file("--mr-config", o.mr_config, "MR_CONFIG document, for MR_CONFIG_ID version 3")
      .group("The app");
  leaf.option("--rtmr3", o.rtmr3, "HEX", "RTMR3 of the app, for mr_aggregated").group("The app");
  leaf.flag("--events", o.events, "Also every event, and what decides it");
}

} // namespace

void add_measure(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("measure", "Predict the registers that hardware reports for an image");
  add_options(leaf, *o);
  leaf.json("dstack.measure/1")
      .describe("Computes MRTD and RTMR0 to RTMR2 of Intel TDX, or SEV-SNP's launch digest, from "
                "the image's files and the VM's inputs, on any machine: no QEMU is run. The files "
                "are taken as they are; 'dstack os verify' compares them with the image's own "
                "hashes.")
      .describe("Without --qemu version 9.1.0 is assumed, as by verifiers when a host does not say "
                "its version, and the output says so. The version decides the order in which pages "
                "are added (8: two passes), the 8259 (8: on), the ACPI tables and, with the image's "
                "firmware, who writes the kernel's header (up to 9.2 QEMU, from 10.2 on nobody, "
                "between them QEMU unless the firmware takes the file); each can be set by itself. "
                "2 CPUs and 2G of memory are the defaults, as of deploy.")
      .describe("With --matrix files are read once and tables that are alike are made once. The "
                "simulated TEE (--tee sim) reports events of its own in RTMR0 and RTMR1.")
      .example("dstack measure dstack-0.6.0 --cpus 4 --memory 8G --qemu 9.2.1", "One VM")
      .example("dstack measure --matrix cpus=1,2,4 memory=2G,4G,8G --qemu 8.2.2", "Nine VMs")
      .example("dstack measure ./dstack-0.6.0 --json --compose app-compose.json", "For programs")
      .example("dstack measure --tee snp --cpus 2", "SEV-SNP")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
