#pragma once
/// The guest API's framing (spec guest 1.1 to 1.4): one path segment names the method; every
/// failure is HTTP 400 with {"error": …} in two-space JSON, or a protobuf message whose field 1 is
/// that text; non-ASCII is escaped in JSON because one published client counts characters instead
/// of bytes (spec guest 1.5). JSON, query strings and protobuf are read here; a method sees one
/// tree whatever the encoding was.

#include "codec/json.hpp"
#include "http/message.hpp"

#include <functional>
#include <map>
#include <optional>

namespace dstack::rpc {

enum class FieldKind {
  text,
  boolean,
  u64,
  i64,
  bytes, ///< hex; handed on in lower case without "0x"
  texts,
  bytes_list,
  message, ///< of the field's members
  messages,
  counts ///< map<uint64, uint64>: an object whose names are decimal
};

enum class Need { defaulted, optional }; ///< optional: may be null, and is null when absent

/// One field of a message, as in the published .proto file.
struct Field {
  std::uint32_t number; ///< of the protobuf encoding
  std::string name;
  FieldKind kind = FieldKind::text;
  Need need = Need::defaulted;
  std::vector<Field> members{}; ///< of a message
};

struct Method {
  using Run = std::function<Result<codec::Json>(const codec::Json& params)>;
  using Done = std::function<void(Result<codec::Json>)>;
  /// Of a method that has to wait for others: calls done once, at once or later.
  using RunLater = std::function<void(const codec::Json& params, Done done)>;

  /// Takes the request as it is: any object.
  template <class F>
  requires std::is_invocable_r_v < Result<codec::Json>, F,
  const codec::Json& > Method(F action) : run(std::move(action)) {}
  /// Takes exactly these fields, checked, with defaults filled in and others dropped. Without
  /// fields the request is not even read. The answer has the fields of answer_fields in protobuf.
  Method(std::vector<Field> request, std::vector<Field> answer_fields, Run action)
      : fields(std::move(request)), answer(std::move(answer_fields)), run(std::move(action))
  {
  }
  Method() = default;
  static Method
  later(std::vector<Field> request, std::vector<Field> answer_fields, RunLater action);

  std::optional<std::vector<Field>> fields;
  std::vector<Field> answer;
  Run run;
  RunLater run_later; ///< instead of run
};

struct Service {
  std::string mount = "/";    ///< "/", "/prpc/" or "/api/"
  std::string trimmed_prefix; ///< "Tappd." and the like, removed from method names
  std::map<std::string, Method, std::less<>> methods;
};

enum class Encoding { json, protobuf };
/// What the request is written in and the answer is wanted in (spec guest 1.2).
Encoding encoding_of(const http::Request& request);

/// The method behind a mount, without the prefix however often it stands there; nothing when the
/// path or verb is not for the service. It may be empty.
std::optional<std::string_view>
method_name(std::string_view mount, std::string_view trimmed_prefix, const http::Request& request);

/// A failure in the encoding that the request is answered in.
http::Response refusal(const http::Request& request, int status, std::string_view why);

/// Answers one request by calling send once, before it returns unless the method has to wait.
/// Unknown methods are 400 "Service not found: X"; other paths are 404.
void answer(const Service& service,
            const http::Request& request,
            std::function<void(http::Response)> send);
/// The same for who cannot wait: a method that has to is refused (its work is done all the same).
http::Response answer(const Service& service, const http::Request& request);

} // namespace dstack::rpc
