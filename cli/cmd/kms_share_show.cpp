#include "cli/cmd/add.hpp"
#include "cli/context.hpp"
#include "cli/kms/opening.hpp"
#include "codec/json_list.hpp"
#include "sys/secret_files.hpp"
#include "vault/share_file.hpp"

namespace dstack::cli {

namespace {

struct Options {
  std::string file;
  ShareKeyFiles keys;
};

enum class Checked { no, yes };

/// Whether the scalar could be read and fits the commitments. A false share is an error.
Result<Checked> check(const Options& o, const vault::ShareView& view)
{
  const bool possible =
      view.protection == vault::Protection::none ||
      (view.protection == vault::Protection::passphrase && !o.keys.passphrases.empty()) ||
      (view.protection == vault::Protection::box && !o.keys.keys.empty());
  if (!possible) return Checked::no;
  static_cast<void>(TRY(open_shares({o.file}, o.keys)));
  return Checked::yes;
}

std::string protection_text(vault::Protection protection)
{
  switch (protection) {
  case vault::Protection::none:
    return "none: whoever reads the file has the share";
  case vault::Protection::passphrase:
    return "a passphrase";
  case vault::Protection::box:
    return "sealed to a key";
  }
  return "";
}

Result<Exit> run(const Options& o, Context& ctx)
{
  const SecretBytes text = TRY(sys::read_secret(o.file, vault::max_share_file));
  const auto view = TRY(vault::view_share(text.view()).within("{}", o.file));
  const Checked checked = TRY(check(o, view));
  if (ctx.ui().json()) {
    ctx.ui().document(codec::Json::object()
                          .set("schema", "dstack.kms.share.show/1")
                          .set("cluster", hex(view.cluster))
                          .set("custodian", view.custodian())
                          .set("index", unsigned{view.index})
                          .set("threshold", view.circle.threshold())
                          .set("custodians", codec::list_of(view.circle.custodians))
                          .set("protection", vault::name_of(view.protection))
                          .set("checked", checked == Checked::yes));
    return Exit::ok;
  }
  const auto row = [&](std::string_view name, std::string_view value) {
    ctx.ui().line(fmt::format("{:<12}{}", name, value));
  };
  row("custodian", fmt::format("{}, number {} of {}", view.custodian(), view.index,
                               view.circle.custodians.size()));
  row("opens", fmt::format("the root of cluster {}", hex(view.cluster)));
  row("together",
      fmt::format("any {} of {}", view.circle.threshold(), join(view.circle.custodians, ", ")));
  row("protection", view.protection == vault::Protection::box
                        ? fmt::format("sealed to the key {}", hex(view.to))
                        : std::string{protection_text(view.protection)});
  row("share", checked == Checked::yes ? "fits what the dealer committed to"
                                       : "not looked at: it is encrypted");
  return Exit::ok;
}

} // namespace

void add_kms_share_show(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms share show", "Say whose share a file holds, and check it");
  leaf.file_argument("FILE", o->file, "A custodian's share").required();
  add_share_key_options(leaf, o->keys);
  leaf.json("dstack.kms.share.show/1")
      .describe(
          "A custodian can tell that the share he was given is a good one without the others' "
          "and without the KMS: it must fit the commitments beside it. The share itself is "
          "never shown.")
      .example("dstack kms share show 4f3cf0a19a044467-bob.json", "What bob got")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
