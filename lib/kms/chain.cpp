#include "kms/chain.hpp"

#include "base/text.hpp"
#include "kms/webhook.hpp"

#include <algorithm>

namespace dstack::kms {

namespace {

using codec::Json;

constexpr std::size_t abi_word = 32; ///< everything in the ABI is a multiple of it
constexpr std::size_t address_size = 20;
constexpr std::size_t selector_size = 4;
constexpr std::size_t max_tcb_status = 128; // these three: spec kms 11.5
constexpr std::size_t max_advisories = 128;
constexpr std::size_t max_advisory = 256;
constexpr std::size_t max_text = 1024; ///< of a reason, once it is shown
constexpr codec::JsonLimits answer_limits{max_chain_answer, 16, 1'000};

// Spec kms 12.4.
constexpr std::uint32_t is_app_allowed = 0x1e079198;
constexpr std::uint32_t is_kms_allowed = 0xe067ec9d;
constexpr std::uint32_t gateway_app_id = 0x95f51931;
constexpr std::uint32_t error_string = 0x08c379a0;

std::size_t in_words(std::size_t size)
{
  return (size + abi_word - 1) / abi_word * abi_word;
}

void put_number(ByteWriter& out, std::uint64_t value)
{
  out.zeros(abi_word - sizeof value).u64be(value);
}

void put_text(ByteWriter& out, std::string_view text)
{
  put_number(out, text.size());
  out.text(text).zeros(in_words(text.size()) - text.size());
}

Status check_size(ByteView field, std::size_t size, std::string_view name)
{
  if (field.size() == size) return ok();
  return fail(Errc::denied, "the contract cannot be asked: {} has {} bytes (want {})", name,
              field.size(), size);
}

Status check_texts(const BootInfo& info)
{
  const auto& ids = info.advisory_ids;
  const bool good = info.tcb_status.size() <= max_tcb_status && ids.size() <= max_advisories &&
                    std::all_of(ids.begin(), ids.end(),
                                [](const std::string& id) { return id.size() <= max_advisory; });
  if (good) return ok();
  return fail(Errc::denied, "the contract cannot be asked: TCB status or advisories are too long");
}

Status check_fields(const BootInfo& info)
{
  TRY(check_size(info.app_id, address_size, "the app id"));
  TRY(check_size(info.compose_hash, abi_word, "the compose hash"));
  TRY(check_size(info.device_id, abi_word, "the device id"));
  TRY(check_size(info.mr_aggregated, abi_word, "mr_aggregated"));
  TRY(check_size(info.mr_system, abi_word, "mr_system"));
  TRY(check_size(info.os_image_hash, abi_word, "os_image_hash"));
  if (info.instance_id.empty()) return ok();
  TRY(check_size(info.instance_id, address_size, "the instance id"));
  if (info.instance_id == Bytes(address_size, 0))
    return fail(Errc::denied, "the contract cannot be asked: the instance id is zero, which stands "
                              "for none");
  return ok();
}

bool all_zero(ByteView bytes)
{
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// Of at most eight bytes.
std::uint64_t number_in(ByteView bytes)
{
  std::uint64_t out = 0;
  for (const std::uint8_t byte : bytes)
    out = out << 8U | byte;
  return out;
}

Result<std::uint64_t> read_number(ByteReader& in)
{
  if (!all_zero(TRY(in.take(abi_word - sizeof(std::uint64_t)))))
    return fail(Errc::malformed, "a number of more than 64 bits");
  return in.u64be();
}

/// A string that is the last of what is encoded, as encoders write it: at the only place it can
/// be, with zeros behind it and nothing after these.
Result<std::string> read_last_text(ByteReader& in, std::size_t offset)
{
  if (TRY(read_number(in)) != offset) return fail(Errc::malformed, "a string at another place");
  const std::uint64_t size = TRY(read_number(in));
  if (size > in.remaining())
    return fail(Errc::malformed, "a string of {} bytes, of which {} are there", size,
                in.remaining());
  const ByteView text = TRY(in.take(size));
  if (!all_zero(TRY(in.take(in_words(size) - size))))
    return fail(Errc::malformed, "a string with something behind it");
  TRY(in.finish());
  return std::string{as_text(text)};
}

struct Verdict {
  bool allowed = false;
  std::string reason{};
};

/// (bool, string)
Result<Verdict> read_verdict(ByteView data)
{
  ByteReader in{data};
  const std::uint64_t allowed = TRY(read_number(in));
  if (allowed > 1) return fail(Errc::malformed, "a boolean that is neither true nor false");
  Verdict out;
  out.allowed = allowed == 1;
  out.reason = TRY(read_last_text(in, 2 * abi_word));
  return out;
}

Result<std::string> read_text(ByteView data)
{
  ByteReader in{data};
  return read_last_text(in, abi_word);
}

Result<Bytes> read_data(std::string_view text)
{
  if (!text.starts_with("0x")) return fail(Errc::malformed, "data that does not begin with 0x");
  return parse_hex(text.substr(2));
}

/// JSON-RPC of Ethereum: "0x" and the fewest digits.
Result<std::uint64_t> read_quantity(std::string_view text)
{
  constexpr std::size_t max_digits = 16;
  std::string digits{text.substr(std::min<std::size_t>(2, text.size()))};
  const bool good = text.starts_with("0x") && !digits.empty() && digits.size() <= max_digits &&
                    (digits == "0" || digits.front() != '0');
  if (!good) return fail(Errc::malformed, "'{}' is no number", cut_text(text, 2 * max_digits));
  digits.insert(0, digits.size() % 2, '0');
  return number_in(TRY(parse_hex(digits)));
}

/// What a contract said with a revert. Nothing when the error is the node's own.
std::optional<std::string> revert_of(const Json& error)
{
  constexpr int reverted = 3; // what nodes say with a revert's data
  const Json* data = error.find("data");
  const auto bytes = data != nullptr && data->is_string()
                         ? read_data(data->text())
                         : Result<Bytes>{fail(Errc::malformed, "no data")};
  if (bytes && bytes->size() >= selector_size) {
    const ByteView all{*bytes};
    const auto text = read_text(all.subspan(selector_size));
    if (number_in(all.first(selector_size)) == error_string && text) return *text;
    return "error " + hex(all.first(selector_size));
  }
  const Json* code = error.find("code");
  if (code == nullptr || *code != Json{reverted}) return std::nullopt;
  return error.find("message")->text();
}

void replace_all(std::string& text, std::string_view from, std::string_view to)
{
  for (std::size_t at = text.find(from); !from.empty() && at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// The words of others without the node's address: its path is often a key.
std::string without_address(const Chain& chain, std::string text)
{
  replace_all(text, chain.rpc, scheme_and_host(chain.rpc));
  const auto host = chain.rpc.find("://") + 3;
  const auto path = std::min(chain.rpc.find_first_of("/?#", host), chain.rpc.size());
  if (chain.rpc.size() - path > 1) replace_all(text, chain.rpc.substr(path), "/***");
  return cut_text(text, max_text / 2);
}

/// One conversation with the node.
class Asker {
public:
  Asker(const Chain& chain, const ChainPost& post) : chain_(chain), post_(post) {}

  Result<Decision> ask(Role role, const BootInfo& info)
  {
    const auto question = boot_auth_calldata(role, info);
    if (!question) return decided({false, question.error().message()});
    TRY(check_chain());
    const std::string block = TRY(block_to_read());
    const Json answer = TRY(exchange("eth_call", call(*question, block)));
    if (const Json* error = answer.find("error")) {
      const auto why = revert_of(*error);
      if (!why) return node_error(*error);
      return decided({false, without_address(chain_, "the contract reverts: " + *why)});
    }
    const auto verdict = read_verdict(TRY(contract_data(answer)));
    if (!verdict)
      return bad(fmt::format("{}: {}", role == Role::app ? "isAppAllowed" : "isKmsAllowed",
                             verdict.error().message()));
    Decision out = decided(*verdict);
    if (out.allowed && role == Role::app) out.gateway_app_id = TRY(gateway(block));
    return out;
  }

private:
  Error bad(std::string_view why) const
  {
    return fail(Errc::denied, "chain {}: {}", scheme_and_host(chain_.rpc), why);
  }

  Error node_error(const Json& error) const
  {
    return bad(without_address(chain_, fmt::format("the node answers with error {}: {}",
                                                   codec::write_json(*error.find("code")),
                                                   error.find("message")->text())));
  }

  Decision decided(const Verdict& verdict) const
  {
    Decision out;
    out.allowed = verdict.allowed;
    const std::string reason = cut_text(verdict.reason, max_text);
    if (!out.allowed) out.reason = reason.empty() ? "the contract gives no reason" : reason;
    out.checks.push_back({"contract", "the contract allows it",
                          out.allowed ? verify::Outcome::passed : verify::Outcome::failed, "",
                          reason, fmt::format("{} on chain {}", chain_.contract, chain_.chain_id)});
    return out;
  }

  Status check_chain()
  {
    const std::uint64_t id = TRY(quantity("eth_chainId"));
    if (id == chain_.chain_id) return ok();
    return bad(fmt::format("the node is on chain {} (the policy wants {})", id, chain_.chain_id));
  }

  Result<std::string> block_to_read()
  {
    if (chain_.confirmations == 0) return std::string{"latest"};
    const std::uint64_t head = TRY(quantity("eth_blockNumber"));
    if (head < chain_.confirmations)
      return bad(fmt::format("the head is block {} (the policy wants {} confirmations)", head,
                             chain_.confirmations));
    return fmt::format("{:#x}", head - chain_.confirmations);
  }

  Result<std::string> gateway(const std::string& block)
  {
    const Bytes data = ByteWriter{}.u32be(gateway_app_id).take();
    const Json answer = TRY(exchange("eth_call", call(data, block)));
    if (const Json* error = answer.find("error")) return node_error(*error);
    const auto text = read_text(TRY(contract_data(answer)));
    if (!text || text->size() > max_text) return bad("gatewayAppId() is no short string");
    return cut_text(*text, max_text);
  }

  Json call(const Bytes& data, const std::string& block) const
  {
    Json out = Json::array();
    out.push(Json::object().set("to", chain_.contract).set("data", "0x" + hex(data)));
    out.push(block);
    return out;
  }

  Result<std::uint64_t> quantity(std::string_view method)
  {
    const Json answer = TRY(exchange(method, Json::array()));
    if (const Json* error = answer.find("error")) return node_error(*error);
    auto out = read_quantity(TRY(text_in(answer)));
    if (!out) return bad(fmt::format("{}: {}", method, out.error().message()));
    return out;
  }

  Result<Bytes> contract_data(const Json& answer) const
  {
    auto out = read_data(TRY(text_in(answer)));
    if (!out) return bad("eth_call: " + out.error().message());
    if (out->empty()) return bad(fmt::format("there is no contract at {}", chain_.contract));
    return out;
  }

  Result<std::string> text_in(const Json& answer) const
  {
    const Json* result = answer.find("result");
    if (result->is_string()) return result->text();
    return bad("the answer's 'result' is not a string");
  }

  /// The answer to this very question: with either a result, or an error of the right shape.
  Result<Json> exchange(std::string_view method, Json params)
  {
    ++id_;
    const auto answer = post_(codec::write_json(Json::object()
                                                    .set("jsonrpc", "2.0")
                                                    .set("id", id_)
                                                    .set("method", method)
                                                    .set("params", std::move(params))));
    if (!answer) return bad(without_address(chain_, answer.error().message()));
    if (answer->status < 200 || answer->status > 299)
      return bad(
          without_address(chain_, fmt::format("returned {}: {}", answer->status, answer->body)));
    if (answer->body.size() > max_chain_answer)
      return bad(
          fmt::format("an answer of {} bytes (limit {})", answer->body.size(), max_chain_answer));
    auto json = codec::parse_json(answer->body, answer_limits);
    if (!json) return bad(fmt::format("the answer is not JSON: {}", json.error().message()));
    if (!answers(*json)) return bad(fmt::format("this is no answer to {}", method));
    return json;
  }

  bool answers(const Json& json) const
  {
    const Json* version = json.find("jsonrpc");
    const Json* id = json.find("id");
    const Json* error = json.find("error");
    if (version == nullptr || *version != Json{"2.0"} || id == nullptr || *id != Json{id_})
      return false;
    if (error == nullptr) return json.find("result") != nullptr;
    const Json* code = error->find("code");
    const Json* message = error->find("message");
    return json.find("result") == nullptr && code != nullptr && code->is_integer() &&
           message != nullptr && message->is_string();
  }

  const Chain& chain_;
  const ChainPost& post_;
  unsigned id_ = 0;
};

} // namespace

Result<Bytes> boot_auth_calldata(Role role, const BootInfo& info)
{
  TRY(check_fields(info));
  TRY(check_texts(info));
  ByteWriter out;
  out.u32be(role == Role::app ? is_app_allowed : is_kms_allowed);
  put_number(out, abi_word); // where the tuple begins
  const auto put_address = [&](ByteView id) { out.zeros(abi_word - id.size()).put(id); };
  put_address(info.app_id);
  out.put(info.compose_hash);
  put_address(info.instance_id);
  for (const Bytes* one :
       {&info.device_id, &info.mr_aggregated, &info.mr_system, &info.os_image_hash})
    out.put(*one);
  constexpr std::size_t fields = 9; // of the tuple
  put_number(out, fields * abi_word);
  put_number(out, (fields + 1) * abi_word + in_words(info.tcb_status.size()));
  put_text(out, info.tcb_status);
  put_number(out, info.advisory_ids.size());
  std::size_t at = info.advisory_ids.size() * abi_word; // of the next string, after these offsets
  for (const std::string& id : info.advisory_ids) {
    put_number(out, at);
    at += abi_word + in_words(id.size());
  }
  for (const std::string& id : info.advisory_ids)
    put_text(out, id);
  return out.take();
}

Result<Decision>
ask_chain(const Chain& chain, Role role, const BootInfo& info, const ChainPost& post)
{
  return Asker{chain, post}.ask(role, info);
}

std::string to_line(const Chain& chain)
{
  return fmt::format("contract {} on chain {} through {}", chain.contract, chain.chain_id,
                     scheme_and_host(chain.rpc));
}

} // namespace dstack::kms
