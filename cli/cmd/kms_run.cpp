#include "cli/cmd/add.hpp"
#include "cli/foreground.hpp"
#include "cli/kms/admin.hpp"
#include "cli/kms/opening.hpp"
#include "cli/kms/stand_in.hpp"
#include "sys/protect.hpp"
#include "vault/vault.hpp"

namespace dstack::cli {

namespace {

using codec::Json;

struct Options {
  std::string directory;
  std::string passphrase_file;
  std::string listen;
  std::string agent;
  std::vector<std::string> command;
};

/// One run of a KMS in the foreground.
class Run {
public:
  Run(sys::Loop& loop, const Options& options, Context& ctx)
      : loop_(loop), o_(options), ctx_(ctx), kms_(loop, ctx, Foreground::QuietEnd::failure)
  {
  }

  Result<Exit> go()
  {
    directory_ = sys::fs::absolute(o_.directory);
    settings_ = TRY(read_kms_settings(directory_));
    attester_ = TRY(KmsAttester::find(loop_, ctx_, directory_, settings_, o_.agent));
    if (attester_->simulated()) ctx_.ui().warn(std::string{kms_stand_in_note});
    return kms_.run(TRY(launch_of()), [this](const std::string& url) -> Status {
      url_ = url;
      TRY(announce());
      if (o_.command.empty()) return ok();
      return kms_.start_command(o_.command, {{"DSTACK_KMS_URL", url_}});
    });
  }

private:
  Result<AgentLaunch> launch_of() const
  {
    AgentLaunch out;
    out.program = "dstack-kms";
    out.directory = directory_;
    attester_->describe(out.settings);
    if (!o_.listen.empty()) {
      TRY(as_usage(kms::parse_listen(o_.listen).within("--listen")));
      out.settings.set("listen", o_.listen);
    }
    if (o_.passphrase_file == "-")
      out.passphrase = TRY(passphrase_from(o_.passphrase_file));
    else if (!o_.passphrase_file.empty())
      out.settings.set("passphrase_file", sys::fs::absolute(o_.passphrase_file).string());
    return out;
  }

  Status announce()
  {
    const vault::Vault vault{directory_};
    const vault::PublicRoot root = TRY(vault.read_public());
    const Json status = TRY(ask_status());
    const bool sealed = TRY(status.get_bool("sealed", false));
    if (!o_.command.empty()) return ok();
    if (ctx_.ui().json())
      ctx_.ui().document(Json{}
                             .set("schema", "dstack.kms.run/1")
                             .set("url", url_)
                             .set("sealed", sealed)
                             .set("simulated", attester_->simulated())
                             .set("key_provider_id", hex(root.ca_spki)));
    ctx_.ui().line(fmt::format("{} {}", sealed ? "sealed at" : "serving at", url_));
    ctx_.ui().line(fmt::format("key provider id {}", hex(root.ca_spki)));
    if (sealed) note_sealed(TRY(vault.read_custody()));
    return ok();
  }

  void note_sealed(const vault::Custody& custody)
  {
    const bool words = custody.provider == vault::Provider::passphrase;
    ctx_.ui().note(
        fmt::format("it gives out nothing before it is opened by {}:\n  dstack kms unseal {}",
                    describe(custody),
                    words ? fmt::format("{} --passphrase-file FILE", o_.directory)
                          : fmt::format("--share FILE --policy {} {}",
                                        (directory_ / settings_.policy_file).string(), url_)));
  }

  Result<Json> ask_status() const
  {
    constexpr std::chrono::milliseconds deadline{10'000};
    return ask_kms(directory_, "Status", Json::object(), deadline);
  }

  sys::Loop& loop_;
  const Options& o_;
  Context& ctx_;
  sys::fs::path directory_;
  kms::Settings settings_;
  std::unique_ptr<KmsAttester> attester_;
  Foreground kms_;
  std::string url_;
};

Result<Exit> run(const Options& o, Context& ctx)
{
  static_cast<void>(sys::protect_secrets());
  const auto loop = TRY(sys::Loop::create());
  Run one{*loop, o, ctx};
  return one.go();
}

} // namespace

void add_kms_run(Tree& tree)
{
  auto o = std::make_shared<Options>();
  Leaf& leaf = tree.leaf("kms run", "Serve keys to attested, authorised apps");
  leaf.argument("DIR", o->directory, "Directory that 'dstack kms init' or 'join' made").required();
  leaf.file("--passphrase-file", o->passphrase_file,
            "The passphrase of the root, in a file only you can read; - is stdin");
  leaf.option("--listen", o->listen, "ADDRESS:PORT",
              "Serve there instead of where kms.toml says; port 0 is any");
  leaf.option("--agent", o->agent, "ADDRESS",
              "Guest agent that attests this KMS: unix:/path or http://ADDRESS:PORT");
  leaf.arguments("COMMAND", o->command,
                 "Run this with DSTACK_KMS_URL set, and end with its exit status");
  leaf.json("dstack.kms.run/1")
      .describe(
          "Serves the published KMS API over HTTPS until a signal: SIGTERM ends it after the "
          "requests under way, SIGHUP reads the policy anew (a changed file is noticed anyway). A "
          "root that is divided among custodians starts sealed, and so does one whose passphrase "
          "is "
          "not given.\n"
          "A KMS attests itself through the guest agent of the VM it runs in. On a machine without "
          "one, this command plays an agent for an app 'dstack-kms'. That is a development "
          "arrangement, and is said: no hardware vouches for such a KMS.")
      .example("dstack kms run kms --passphrase-file words.txt", "Serve until Ctrl-C")
      .example("dstack kms run kms --passphrase-file words.txt --listen 127.0.0.1:0 -- ./test.sh",
               "Run tests against it")
      .runs([o](Context& ctx) { return run(*o, ctx); });
}

} // namespace dstack::cli
