// The framing of HTTP/1.1 is Boost.Beast's; which of its liberties we take is decided here.
#include "base/text.hpp"
#include "http/message.hpp"

#include <algorithm>
#include <boost/beast/http.hpp>

namespace dstack::http {

namespace beast = boost::beast::http;
using Buffer = boost::asio::const_buffer;

namespace {

Error syntax(const boost::system::error_code& error)
{
  return fail(Errc::malformed, "HTTP: {}", error.message());
}

template <class Fields> std::vector<Header> headers_of(const Fields& fields)
{
  std::vector<Header> out;
  for (const auto& field : fields)
    out.push_back({std::string{field.name_string()}, std::string{field.value()}});
  return out;
}

std::size_t count_of(const std::vector<Header>& headers, std::string_view name)
{
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(),
                    [&](const Header& header) { return lower(header.name) == name; }));
}

/// What Beast accepts and we do not: these are the ways two HTTP parsers come to disagree.
Status check_framing(const std::vector<Header>& headers)
{
  if (count_of(headers, "content-length") > 1)
    return fail(Errc::malformed, "HTTP: more than one Content-Length");
  if (count_of(headers, "transfer-encoding") > 1)
    return fail(Errc::malformed, "HTTP: more than one Transfer-Encoding");
  for (const Header& header : headers) {
    if (lower(header.name) == "transfer-encoding" && lower(trim(header.value)) != "chunked")
      return fail(Errc::malformed, "HTTP: transfer coding other than chunked");
    if (header.value.find_first_of("\r\n") != std::string::npos)
      return fail(Errc::malformed, "HTTP: folded header line");
  }
  return ok();
}

} // namespace

struct RequestParser::State {
  explicit State(const MessageLimits& l) : limits(l) { reset(); }

  void reset()
  {
    parser = std::make_unique<beast::request_parser<beast::string_body>>();
    parser->header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    parser->body_limit(limits.max_body_bytes);
    parser->eager(true);
    pending.clear();
    fresh = true;
    checked = false;
  }

  Status check_header()
  {
    checked = true;
    const auto headers = headers_of(parser->get());
    TRY(check_framing(headers));
    if (count_of(headers, "host") != 1) return fail(Errc::malformed, "HTTP: no single Host header");
    if (parser->get().version() != 11) return fail(Errc::unsupported, "HTTP: version is not 1.1");
    return ok();
  }

  MessageLimits limits;
  std::unique_ptr<beast::request_parser<beast::string_body>> parser;
  std::string pending; ///< bytes Beast has not taken yet: it wants whole header lines
  bool fresh = true;
  bool checked = false;
  bool refused = false; ///< a refused message never becomes complete
};

RequestParser::RequestParser(const MessageLimits& limits) : state_(std::make_unique<State>(limits))
{
}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

namespace {

/// True when a header line in text starts with a blank (obsolete line folding, RFC 9112 5.2).
bool has_fold(std::string_view header)
{
  return header.find("\n ") != std::string_view::npos ||
         header.find("\n\t") != std::string_view::npos;
}

template <class State> Result<std::size_t> feed_message(State& state, std::string_view data)
{
  if (data.empty() || state.parser->is_done()) return std::size_t{0};
  state.fresh = false;
  const std::size_t before = state.pending.size();
  state.pending += data;
  if (!state.parser->is_header_done()) {
    const auto end = state.pending.find("\r\n\r\n");
    const std::string_view header = std::string_view{state.pending}.substr(0, end);
    if (has_fold(header)) return fail(Errc::malformed, "HTTP: folded header line");
    if (header.size() > state.limits.max_header_bytes)
      return fail(Errc::malformed, "HTTP: header larger than {} bytes",
                  state.limits.max_header_bytes);
    if (end == std::string::npos) return data.size();
  }
  boost::system::error_code error;
  std::size_t used = 0;
  while (used < state.pending.size() && !state.parser->is_done()) {
    const std::string_view rest = std::string_view{state.pending}.substr(used);
    const std::size_t n = state.parser->put(Buffer{rest.data(), rest.size()}, error);
    if (error == beast::error::need_more) error = {};
    if (error) return syntax(error);
    used += n;
    if (state.parser->is_header_done() && !state.checked) TRY(state.check_header());
    if (n == 0) break;
  }
  // What the message did not need belongs to the next one and goes back to the caller.
  const std::size_t kept = state.parser->is_done() ? 0 : state.pending.size() - used;
  const std::size_t consumed = used + kept;
  DSTACK_ASSERT(consumed >= before);
  state.pending.erase(0, used);
  if (state.parser->is_done()) state.pending.clear();
  return consumed - before;
}

} // namespace

Result<std::size_t> RequestParser::feed(std::string_view data)
{
  auto used = feed_message(*state_, data);
  if (!used) state_->refused = true;
  return used;
}

bool RequestParser::complete() const
{
  return state_->parser->is_done() && !state_->refused;
}
bool RequestParser::fresh() const
{
  return state_->fresh;
}

Request RequestParser::take()
{
  DSTACK_ASSERT(complete());
  auto message = state_->parser->release();
  Request out;
  out.method = std::string{message.method_string()};
  out.target = std::string{message.target()};
  out.headers = headers_of(message);
  out.keep_alive = message.keep_alive();
  out.body = std::move(message.body());
  state_->reset();
  return out;
}

struct ResponseParser::State {
  explicit State(const MessageLimits& l) : limits(l)
  {
    parser->header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    parser->body_limit(limits.max_body_bytes);
    parser->eager(true);
  }

  Status check_header()
  {
    checked = true;
    return check_framing(headers_of(parser->get()));
  }

  MessageLimits limits;
  std::unique_ptr<beast::response_parser<beast::string_body>> parser =
      std::make_unique<beast::response_parser<beast::string_body>>();
  std::string pending;
  bool fresh = true;
  bool checked = false;
};

ResponseParser::ResponseParser(const MessageLimits& limits)
    : state_(std::make_unique<State>(limits))
{
}
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;

Result<std::size_t> ResponseParser::feed(std::string_view data)
{
  return feed_message(*state_, data);
}

Status ResponseParser::end_of_input()
{
  if (complete()) return ok();
  if (!headers_complete()) return fail(Errc::malformed, "HTTP: the connection ended early");
  boost::system::error_code error;
  state_->parser->put_eof(error);
  if (error || !complete()) return fail(Errc::malformed, "HTTP: the connection ended early");
  return ok();
}

bool ResponseParser::headers_complete() const
{
  return state_->parser->is_header_done();
}
bool ResponseParser::complete() const
{
  return state_->parser->is_done();
}
int ResponseParser::status() const
{
  return static_cast<int>(state_->parser->get().result_int());
}

std::string ResponseParser::drain_body()
{
  std::string out;
  std::swap(out, state_->parser->get().body());
  return out;
}

Response ResponseParser::take()
{
  auto message = state_->parser->release();
  Response out;
  out.status = static_cast<int>(message.result_int());
  out.headers = headers_of(message);
  out.body = std::move(message.body());
  return out;
}

} // namespace dstack::http
