#pragma once
/// HTTP/1.1 messages (RFC 9110, RFC 9112) as plain values, and sans-I/O parsers for them.

#include "base/bytes.hpp"

#include <memory>
#include <optional>

namespace dstack::http {

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method; ///< "GET"
  std::string target; ///< as received: "/path?query", or "http://host/path?query"
  std::vector<Header> headers;
  std::string body;
  bool keep_alive = true;

  /// First header of that name (case-insensitive), or nullptr.
  const std::string* header(std::string_view name) const;
  std::string_view path() const;  ///< target up to '?', without "http://host"
  std::string_view query() const; ///< after '?', without it
};

struct Response {
  int status = 200;
  std::vector<Header> headers; ///< Content-Length and Connection are added when written
  std::string body;

  /// First header of that name (case-insensitive), or nullptr.
  const std::string* header(std::string_view name) const;
};

/// Percent-decoded "a=b&c=d"; malformed escapes are an error.
Result<std::vector<Header>> parse_query(std::string_view query);
std::string percent_encode(std::string_view text);

/// Always with Content-Length; ready to send.
std::string write_response(const Response& response, bool keep_alive);
/// Status line and the headers given, without the empty line that ends them.
std::string write_response_head(const Response& response);
std::string write_request(const Request& request, std::string_view host);
/// The head alone, exactly the headers given: for a body that is sent in pieces.
std::string write_request_head(const Request& request, std::string_view host);

struct MessageLimits {
  std::size_t max_header_bytes = 16 * 1024;            ///< also of a chunk's header
  std::size_t max_body_bytes = std::size_t{10} << 20U; ///< held at a time: see drain_body
};

/// Feeds on bytes as they arrive. Refuses (Errc::malformed): conflicting or repeated
/// Content-Length, Content-Length with Transfer-Encoding, obs-fold, bare LF or CR, blank before
/// colon, missing (unless the target is absolute) or repeated Host, anything but "chunked" as
/// transfer coding, trailers, over-long parts. How the bytes are cut into pieces never changes the
/// outcome.
class RequestParser {
public:
  explicit RequestParser(const MessageLimits& limits);
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  /// Consumes a prefix of data, returns how much. When complete() the rest belongs to the next one.
  Result<std::size_t> feed(std::string_view data);
  bool complete() const;
  /// True until the first byte of a message has been fed (idle connection).
  bool fresh() const;
  /// The finished request; the parser is then ready for the next message.
  Request take();

private:
  struct State;
  std::unique_ptr<State> state_;
};

/// As above for answers (no Host); "100 Continue" and other interim answers are passed over.
class ResponseParser {
public:
  explicit ResponseParser(const MessageLimits& limits);
  ResponseParser(ResponseParser&&) noexcept;
  ~ResponseParser();

  Result<std::size_t> feed(std::string_view data);
  /// The peer closed: completes a body without length, else an error.
  Status end_of_input();
  bool headers_complete() const;
  bool complete() const;
  int status() const;
  /// Body bytes decoded so far, moved out (for streaming long bodies).
  std::string drain_body();
  Response take();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace dstack::http
