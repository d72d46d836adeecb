#include "kms/chain.hpp"

#include "base/text.hpp"
#include "crypto/keccak.hpp"
#include "kms/test_policy.hpp"

#include <algorithm>

using namespace dstack;
using namespace dstack::kms;
using codec::Json;
using test::caller;
using test::of;

namespace {

constexpr std::string_view contract = "0xd343a3f5593b93d8056ab5d60c433622d7d65a80";
constexpr std::string_view tuple =
    "(address,bytes32,address,bytes32,bytes32,bytes32,bytes32,string,string[])";

std::string number(std::uint64_t value)
{
  return fmt::format("{:064x}", value);
}

/// A string's length and bytes, as the ABI has them.
std::string words_of(std::string_view text)
{
  std::string out = hex(as_bytes(text));
  out.resize((out.size() + 63) / 64 * 64, '0');
  return number(text.size()) + out;
}

std::string verdict(bool allowed, std::string_view reason)
{
  return "0x" + number(allowed ? 1 : 0) + number(0x40) + words_of(reason);
}

std::string one_text(std::string_view text)
{
  return "0x" + number(0x20) + words_of(text);
}

std::string selector(std::string_view signature)
{
  return hex(crypto::keccak256(as_bytes(signature))).substr(0, 8);
}

Chain chain()
{
  Chain out;
  out.rpc = "https://u:SECRET@rpc.example:8545/v3/SECRET?k=SECRET";
  out.contract = contract;
  out.chain_id = 8453;
  return out;
}

/// A node that answers each question with what is put here, by method; "gateway" for gatewayAppId.
struct Node {
  Json results = Json::object()
                     .set("eth_chainId", "0x2105")
                     .set("eth_blockNumber", "0x10")
                     .set("eth_call", verdict(true, ""))
                     .set("gateway", one_text("gw"));
  std::vector<Json> asked{};
  std::string only{};    ///< of that method, the whole answer
  std::string instead{}; ///< is this; "ID" stands for the question's id
  unsigned status = 200;

  static std::string kind(const Json& request)
  {
    const auto& params = request.find("params")->items();
    if (params.empty()) return request.find("method")->text();
    return params[0].find("data")->text() == "0x95f51931" ? "gateway"
                                                          : request.find("method")->text();
  }

  Result<ChainAnswer> answer(const std::string& body)
  {
    const Json request = *codec::parse_json(body);
    asked.push_back(request);
    if (kind(request) != only)
      return ChainAnswer{200, codec::write_json(Json::object()
                                                    .set("jsonrpc", "2.0")
                                                    .set("id", *request.find("id"))
                                                    .set("result", *results.find(kind(request))))};
    std::string text = instead;
    if (const auto at = text.find("ID"); at != std::string::npos)
      text.replace(at, 2, codec::write_json(*request.find("id")));
    return ChainAnswer{status, text};
  }

  Result<Decision>
  ask(Role role = Role::app, const BootInfo& info = caller(), const Chain& about = chain())
  {
    return ask_chain(about, role, info, [this](const std::string& body) { return answer(body); });
  }

  std::string why(Role role = Role::app)
  {
    const auto out = ask(role);
    if (!out) CHECK(out.error().code() == Errc::denied);
    const std::string text = !out ? out.error().message() : out->allowed ? "allowed" : out->reason;
    CHECK(text.find("SECRET") == std::string::npos);
    return text;
  }
};

/// What comes of a node that answers one question with this result, or with this whole body.
std::string with_result(std::string_view kind, Json result, Role role = Role::app)
{
  Node node;
  node.results.set(kind, std::move(result));
  return node.why(role);
}

std::string with_body(std::string_view kind, std::string body, unsigned status = 200)
{
  Node node;
  node.only = kind;
  node.instead = std::move(body);
  node.status = status;
  return node.why();
}

std::string with_error(std::string_view error)
{
  return with_body("eth_call", fmt::format(R"({{"jsonrpc":"2.0","id":ID,"error":{}}})", error));
}

bool refused(std::string_view text)
{
  return text.starts_with("chain https://rpc.example:8545: ");
}

} // namespace

TEST_SUITE("kms::chain")
{
  TEST_CASE("the published calldata, word for word (spec kms 20.8)")
  {
    const Bytes data = *boot_auth_calldata(Role::app, caller());
    CHECK(data.size() == 420);
    CHECK(hex(data) == "1e079198" + number(0x20) + of("00", 12) + of("a1", 20) + of("c1", 32) +
                           of("00", 12) + of("b2", 20) + of("d1", 32) + of("e1", 32) +
                           of("e2", 32) + of("f1", 32) + number(0x120) + number(0x160) + number(8) +
                           "5570546f44617465" + of("00", 24) + number(0));
    const std::string kms = hex(*boot_auth_calldata(Role::kms, caller()));
    CHECK(kms == "e067ec9d" + hex(data).substr(8));
  }

  TEST_CASE("advisories and a status of other lengths are laid out behind one another")
  {
    BootInfo info = caller();
    info.tcb_status = std::string(33, 's');
    info.advisory_ids = {"INTEL-SA-1", "", std::string(32, 'x')};
    const std::string data = hex(*boot_auth_calldata(Role::app, info));
    CHECK(data.substr(8 + 8 * 64) == number(0x120) + number(0x120 + 96) +
                                         words_of(info.tcb_status) + number(3) + number(0x60) +
                                         number(0xa0) + number(0xc0) + words_of("INTEL-SA-1") +
                                         number(0) + words_of(info.advisory_ids[2]));
  }

  TEST_CASE("selectors are those of the signatures (spec kms 12.4)")
  {
    CHECK(selector(fmt::format("isAppAllowed({})", tuple)) == "1e079198");
    CHECK(selector(fmt::format("isKmsAllowed({})", tuple)) == "e067ec9d");
    CHECK(selector("gatewayAppId()") == "95f51931");
    CHECK(selector("Error(string)") == "08c379a0");
  }

  TEST_CASE("where the contracts keep what they list (spec kms 12.6, 20.8)")
  {
    const auto slot_of = [](Bytes key, std::uint64_t slot) {
      key.insert(key.begin(), 32 - key.size(), 0);
      const Bytes pair = concat({key, *parse_hex(number(slot))});
      return hex(crypto::keccak256(pair));
    };
    CHECK(slot_of(Bytes(20, 0xa1), 5) ==
          "08d17eaf4f7bd967d6d12850d9940280fd0c87180b9212928a55441024475931");
    CHECK(slot_of(Bytes(32, 0xf1), 8) ==
          "8b3cb632780f2e3ef7607c4f2efe1cbe9a03b5719aca2e0a15a1057de6e74588");
    CHECK(slot_of(Bytes(32, 0xc1), 0) ==
          "9b37070fce85126781a11185764ead0fb13a0f87bcb69994a8b609c92f5e6e79");
    CHECK(hex(crypto::keccak256(as_bytes("UpToDate"))) ==
          "8dd11fcce5839087111530125177803569655488ae47b1f980ef0b1a711bf07c");
  }

  TEST_CASE("trap 24: fields of other sizes are refused, and nobody is asked")
  {
    for (Bytes BootInfo::*member :
         {&BootInfo::app_id, &BootInfo::compose_hash, &BootInfo::device_id,
          &BootInfo::mr_aggregated, &BootInfo::mr_system, &BootInfo::os_image_hash,
          &BootInfo::instance_id}) {
      const std::size_t good = (caller().*member).size();
      for (const std::size_t size : {std::size_t{0}, good - 1, good + 1, std::size_t{64}}) {
        CAPTURE(size);
        BootInfo info = caller();
        (info.*member).resize(size, 1);
        if (size == 0 && member == &BootInfo::instance_id) continue;
        CHECK_FALSE(boot_auth_calldata(Role::app, info));
        Node node;
        const auto out = node.ask(Role::app, info);
        REQUIRE(out);
        CHECK_FALSE(out->allowed);
        CHECK(out->reason.find(fmt::format("has {} bytes", size)) != std::string::npos);
        CHECK(node.asked.empty());
      }
    }
    BootInfo info = caller();
    info.instance_id.clear(); // an app without
    CHECK(hex(*boot_auth_calldata(Role::app, info)).substr(8 + 3 * 64, 64) == number(0));
    info.instance_id = Bytes(20, 0); // must not look like one
    CHECK_FALSE(boot_auth_calldata(Role::app, info));
    info = caller();
    info.tcb_status = std::string(129, 'a');
    CHECK_FALSE(boot_auth_calldata(Role::app, info));
    info = caller();
    info.advisory_ids.resize(129);
    CHECK_FALSE(boot_auth_calldata(Role::app, info));
    info.advisory_ids = {std::string(257, 'a')};
    CHECK_FALSE(boot_auth_calldata(Role::app, info));
  }

  TEST_CASE("an app: chain id, the contract's word, the gateway, each by a JSON-RPC request")
  {
    Node node;
    const auto out = node.ask();
    REQUIRE(out);
    CHECK(out->allowed);
    CHECK(out->reason.empty());
    CHECK(out->gateway_app_id == "gw");
    REQUIRE(out->checks.size() == 1);
    CHECK(out->checks[0].source == fmt::format("{} on chain 8453", contract));
    REQUIRE(node.asked.size() == 3);
    CHECK(codec::write_json(node.asked[0]) ==
          R"({"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]})");
    CHECK(
        codec::write_json(node.asked[1]) ==
        fmt::format(
            R"({{"jsonrpc":"2.0","id":2,"method":"eth_call","params":[{{"to":"{}","data":"0x{}"}},"latest"]}})",
            contract, hex(*boot_auth_calldata(Role::app, caller()))));
    CHECK(
        codec::write_json(node.asked[2]) ==
        fmt::format(
            R"({{"jsonrpc":"2.0","id":3,"method":"eth_call","params":[{{"to":"{}","data":"0x95f51931"}},"latest"]}})",
            contract));
  }

  TEST_CASE("a KMS, and who is refused, need no gateway")
  {
    Node node;
    CHECK(node.ask(Role::kms)->allowed);
    CHECK(node.asked.size() == 2);
    CHECK(node.asked[1].find("params")->items()[0].find("data")->text().starts_with("0xe067ec9d"));
    node.results.set("eth_call", verdict(false, "App not registered"));
    const auto no = node.ask();
    REQUIRE(no);
    CHECK_FALSE(no->allowed);
    CHECK(no->reason == "App not registered");
    CHECK(node.asked.size() == 4);
    CHECK(with_result("eth_call", verdict(false, "")) == "the contract gives no reason");
    CHECK(with_result("eth_call", verdict(false, std::string(5000, 'r'))) ==
          std::string(1024, 'r'));
    CHECK(is_utf8(with_result("eth_call", verdict(false, "\x1b\xff"))));
  }

  TEST_CASE("confirmations: all is read that far below the head")
  {
    Chain deep = chain();
    const auto blocks = [&](std::uint64_t confirmations) {
      Node node;
      deep.confirmations = confirmations;
      const auto out = node.ask(Role::app, caller(), deep);
      std::vector<std::string> read;
      for (const Json& one : node.asked)
        if (one.find("method")->text() == "eth_call")
          read.push_back(one.find("params")->items()[1].text());
      if (!out) read.push_back(out.error().message());
      return join(read, " ");
    };
    CHECK(blocks(0) == "latest latest");
    CHECK(blocks(1) == "0xf 0xf");
    CHECK(blocks(16) == "0x0 0x0");
    CHECK(blocks(17) == "chain https://rpc.example:8545: the head is block 16 (the policy wants 17 "
                        "confirmations)");
  }

  TEST_CASE("another chain is refused before the contract is asked")
  {
    Node node;
    node.results.set("eth_chainId", "0x1");
    CHECK(node.why() == "chain https://rpc.example:8545: the node is on chain 1 (the policy wants "
                        "8453)");
    CHECK(node.asked.size() == 1);
    for (const char* bad : {"", "0x", "0x02105", "2105", "8453", "0x210g", "0x-1", "0X2105",
                            "0x10000000000002105", " 0x2105", "0x2105 "}) {
      CAPTURE(bad);
      CHECK(refused(with_result("eth_chainId", bad)));
    }
    for (const Json& bad : {Json{}, Json{8453}, Json{true}, Json::array(), Json::object()})
      CHECK(refused(with_result("eth_chainId", bad)));
    CHECK(with_result("eth_chainId", "0x2105") == "allowed");
  }

  TEST_CASE("anything but the canonical (bool, string) refuses")
  {
    const std::string good = verdict(true, "0123456789").substr(2);
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      CHECK(refused(with_result("eth_call", "0x" + good.substr(0, size))));
    }
    const std::string tail = words_of("ok");
    const std::vector<std::string> bad{
        good,
        "0X" + good,
        "0x" + good + "00",
        "0x" + good + number(0),
        "0x" + number(2) + number(0x40) + tail,
        "0x01" + of("00", 30) + "01" + number(0x40) + tail, // more than a boolean
        "0x01" + of("00", 31) + number(0x40) + tail,
        "0x" + number(1) + number(0x20) + tail,
        "0x" + number(1) + number(0x60) + number(0) + tail,
        "0x" + number(1) + of("ff", 32) + tail,
        "0x" + number(1) + number(0x40) + of("ff", 32),
        "0x" + number(1) + number(0x40) + number(UINT64_MAX),
        "0x" + number(1) + number(0x40) + number(33) + of("61", 32),
        "0x" + number(1) + number(0x40) + number(1) + "6161" + of("00", 30), // not padded with 0
        "0x" + number(1) + number(0x40) + number(1) + "61",
        "0x" + number(1),
        "0xzz" + good.substr(2)};
    for (const std::string& one : bad) {
      CAPTURE(one);
      CHECK(refused(with_result("eth_call", one)));
    }
    for (const Json& one : {Json{}, Json{true}, Json{1}, Json::array(), Json::object()})
      CHECK(refused(with_result("eth_call", one)));
    CHECK(with_result("eth_call", "0x") ==
          fmt::format("chain https://rpc.example:8545: there is no contract at {}", contract));
    CHECK(with_result("eth_call", "0x" + good) == "allowed");
  }

  TEST_CASE("a gateway that cannot be read refuses; an empty one is none")
  {
    CHECK(with_result("gateway", one_text("")) == "allowed");
    CHECK(refused(with_result("gateway", "0x")));
    CHECK(refused(with_result("gateway", "0x" + number(0x40) + words_of("gw"))));
    CHECK(refused(with_result("gateway", one_text("gw") + "00")));
    CHECK(refused(with_result("gateway", one_text(std::string(1025, 'g')))));
    CHECK(refused(with_result("gateway", Json{})));
    CHECK(with_body("gateway", R"({"jsonrpc":"2.0","id":ID,"error":{"code":-1,"message":"m"}})") ==
          "chain https://rpc.example:8545: the node answers with error -1: m");
  }

  TEST_CASE("a revert is the contract's answer: no, with its reason where it has one")
  {
    const std::string data = "0x08c379a0" + one_text("Not today").substr(2);
    const auto with_data = [](std::string_view value) {
      return with_error(fmt::format(R"({{"code":3,"message":"execution reverted","data":{}}})",
                                    codec::write_json(Json{value})));
    };
    CHECK(with_data(data) == "the contract reverts: Not today");
    CHECK(with_error(fmt::format(R"({{"code":-32000,"message":"m","data":"{}"}})", data)) ==
          "the contract reverts: Not today");
    CHECK(with_data("0x118cdaa7" + number(1)) == "the contract reverts: error 118cdaa7");
    CHECK(with_data(data + "00") == "the contract reverts: error 08c379a0");
    CHECK(with_data("0x") == "the contract reverts: execution reverted");
    CHECK(with_data("0x08c379") == "the contract reverts: execution reverted");
    CHECK(with_data("Reverted") == "the contract reverts: execution reverted");
    CHECK(with_error(R"({"code":3,"message":"execution reverted"})") ==
          "the contract reverts: execution reverted");
  }

  TEST_CASE("a node's own error is no answer")
  {
    CHECK(with_error(R"({"code":-32000,"message":"header not found"})") ==
          "chain https://rpc.example:8545: the node answers with error -32000: header not found");
    CHECK(with_error(R"({"code":-32601,"message":"no such method","data":{"a":1}})") ==
          "chain https://rpc.example:8545: the node answers with error -32601: no such method");
    for (const char* bad : {"null", "7", "{}", R"({"code":1})", R"({"message":"m"})",
                            R"({"code":"1","message":"m"})", R"({"code":1,"message":null})"}) {
      CAPTURE(bad);
      CHECK(refused(with_error(bad)));
    }
  }

  TEST_CASE("trap 3: anything but one whole answer to the question refuses")
  {
    const std::string yes = codec::write_json(Json{verdict(true, "")});
    const auto with = [&](std::string_view format) {
      std::string body{format};
      if (const auto at = body.find("YES"); at != std::string::npos) body.replace(at, 3, yes);
      return with_body("eth_call", body);
    };
    CHECK(with(R"({"jsonrpc":"2.0","id":ID,"result":YES,"more":1})") == "allowed");
    for (const char* bad :
         {"", "null", "YES", "<html>", "[]", "{}", R"([{"jsonrpc":"2.0","id":ID,"result":YES}])",
          R"({"jsonrpc":"2.0","id":1,"result":YES})", R"({"jsonrpc":"2.0","id":"2","result":YES})",
          R"({"jsonrpc":"2.0","id":null,"result":YES})", R"({"jsonrpc":"2.0","result":YES})",
          R"({"id":ID,"result":YES})", R"({"jsonrpc":"1.0","id":ID,"result":YES})",
          R"({"jsonrpc":2.0,"id":ID,"result":YES})", R"({"jsonrpc":"2.0","id":ID})",
          R"({"jsonrpc":"2.0","id":ID,"result":YES,"error":null})",
          R"({"jsonrpc":"2.0","id":ID,"result":YES,"error":{"code":1,"message":""}})",
          R"({"jsonrpc":"2.0","id":ID,"result":"0x","result":YES})",
          R"({"jsonrpc":"2.0","id":ID,"result":YES} x)"}) {
      CAPTURE(bad);
      CHECK(refused(with(bad)));
    }
    const std::string whole = R"({"jsonrpc":"2.0","id":ID,"result":)" + yes + "}";
    for (const unsigned status : {0U, 100U, 199U, 300U, 302U, 401U, 429U, 500U, 503U}) {
      CAPTURE(status);
      CHECK(refused(with_body("eth_call", whole, status)));
    }
    CHECK(with_body("eth_call", whole, 201) == "allowed");
    CHECK(with_body("eth_call", whole + std::string(max_chain_answer, ' ')).find("limit 65536") !=
          std::string::npos);
  }

  TEST_CASE("trap 25: of the node's address only the host is shown, whoever repeats it")
  {
    CHECK(with_body("eth_chainId", "Cannot POST /v3/SECRET?k=SECRET", 404) ==
          "chain https://rpc.example:8545: returned 404: Cannot POST /***");
    CHECK(
        refused(with_error(fmt::format(R"({{"code":1,"message":"no key in {}"}})", chain().rpc))));
    CHECK(with_error(fmt::format(R"({{"code":3,"message":"at {}"}})", chain().rpc)) ==
          "the contract reverts: at https://rpc.example:8545");
    const auto down =
        ask_chain(chain(), Role::app, caller(), [](const std::string&) -> Result<ChainAnswer> {
          return fail(Errc::timeout, "POST {}: no answer", chain().rpc);
        });
    REQUIRE_FALSE(down);
    CHECK(down.error().code() == Errc::denied);
    CHECK(down.error().message() ==
          "chain https://rpc.example:8545: POST https://rpc.example:8545: no answer");
    CHECK(to_line(chain()) ==
          fmt::format("contract {} on chain 8453 through https://rpc.example:8545", contract));
  }
}
