#include "cli/cmd/add.hpp"
#include "cli/kms/admin.hpp"
#include "cli/kms/opening.hpp"
#include "cli/agent_process.hpp"
#include "cli/kms/stand_in.hpp"
#include "sys/protect.hpp"
#include "vault/vault.hpp"

#include <csignal>
#include <sys/epoll.h>
#include <unistd.h>

namespace dstack::cli {

namespace {

using codec::Json;

constexpr int shell_signal_base = 128;

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
  Run(sys::Loop& loop, const Options& options, Context& ctx) : loop_(loop), o_(options), ctx_(ctx)
  {
  }

  Result<Exit> go()
  {
    directory_ = sys::fs::absolute(o_.directory);
    settings_ = TRY(read_kms_settings(directory_));
    attester_ = TRY(KmsAttester::find(loop_, ctx_, directory_, settings_, o_.agent));
    if (attester_->simulated()) ctx_.ui().warn(std::string{kms_stand_in_note});
    const AgentLaunch launch = TRY(launch_of());
    TRY(loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int signal) { on_signal(signal); }));
    kms_ = TRY(AgentProcess::start(
        loop_, ctx_, launch, [this](Result<std::string> where) { on_ready(std::move(where)); },
        [this](const sys::ExitState& state) { on_end(state); }));
    TRY(loop_.run());
    if (failure_) return *failure_;
    return exit_;
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

  void on_ready(Result<std::string> where)
  {
    if (!where) {
      failure_ = where.error();
      return;
    }
    url_ = *std::move(where);
    const Status told = announce();
    if (!told) failure_ = told.error();
    if (told && o_.command.empty()) return;
    const Status started = told ? start_command() : told;
    if (!started) failure_ = started.error();
    if (!started) stop();
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

  Status start_command()
  {
    sys::Command command;
    command.argv = o_.command;
    command.env = {{"DSTACK_KMS_URL", url_}};
    command.fds = {{0, STDIN_FILENO}, {1, STDOUT_FILENO}, {2, STDERR_FILENO}};
    command_.emplace(TRY(sys::spawn(command).within("{}", o_.command.front())));
    return loop_.watch(command_->pidfd(), EPOLLIN, [this](std::uint32_t) {
      const auto state = command_->try_wait();
      if (state && !*state) return;
      loop_.forget(command_->pidfd());
      if (state)
        command_exit_ =
            (*state)->signal == 0 ? (*state)->code : shell_signal_base + (*state)->signal;
      stop();
    });
  }

  void stop()
  {
    stopping_ = true;
    static_cast<void>(kms_->signal(SIGTERM));
  }

  void on_signal(int signal)
  {
    if (signal == SIGHUP) return static_cast<void>(kms_->signal(SIGHUP));
    if (command_ && !command_exit_) static_cast<void>(command_->kill(signal));
    stop();
  }

  void on_end(const sys::ExitState& state)
  {
    if (command_exit_)
      exit_ = static_cast<Exit>(*command_exit_);
    else if (!failure_ && !(stopping_ && state.signal == 0))
      failure_ = fail(Errc::io, "dstack-kms {}", state.describe());
    loop_.stop();
  }

  sys::Loop& loop_;
  const Options& o_;
  Context& ctx_;
  sys::fs::path directory_;
  kms::Settings settings_;
  std::unique_ptr<KmsAttester> attester_;
  std::unique_ptr<AgentProcess> kms_;
  std::optional<sys::Child> command_;
  std::optional<int> command_exit_;
  std::optional<Error> failure_;
  std::string url_;
  Exit exit_ = Exit::ok;
  bool stopping_ = false;
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
