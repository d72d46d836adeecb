#include "http/message.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace dstack::http {

namespace {

const std::string* find_header(const std::vector<Header>& headers, std::string_view name)
{
  const std::string wanted = lower(name);
  const auto at = std::find_if(headers.begin(), headers.end(),
                               [&](const Header& header) { return lower(header.name) == wanted; });
  return at == headers.end() ? nullptr : &at->value;
}

/// Without the authority of an absolute form (RFC 9112 3.2.2), which the Rust SDK sends over
/// sockets.
std::string_view origin_form(std::string_view target)
{
  constexpr std::string_view scheme = "http://";
  if (!target.starts_with(scheme)) return target;
  const auto path = target.find_first_of("/?", scheme.size());
  return path == std::string_view::npos ? "/" : target.substr(path);
}

} // namespace

const std::string* Request::header(std::string_view name) const
{
  return find_header(headers, name);
}

const std::string* Response::header(std::string_view name) const
{
  return find_header(headers, name);
}

std::string_view Request::path() const
{
  const std::string_view all = origin_form(target);
  return all.substr(0, all.find('?'));
}

std::string_view Request::query() const
{
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view{target}.substr(mark + 1);
}

namespace {

Result<std::string> percent_decode(std::string_view text)
{
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    const auto byte = parse_hex(text.substr(i + 1, std::min<std::size_t>(2, text.size() - i - 1)));
    if (!byte || byte->size() != 1)
      return fail(Errc::malformed, "bad escape in '{}'", printable(text));
    out.push_back(static_cast<char>(byte->front()));
    i += 2;
  }
  return out;
}

std::string_view reason(int status)
{
  switch (status) {
  case 200:
    return "OK";
  case 204:
    return "No Content";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Content Too Large";
  case 500:
    return "Internal Server Error";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  default:
    return "Status";
  }
}

} // namespace

Result<std::vector<Header>> parse_query(std::string_view query)
{
  std::vector<Header> out;
  if (query.empty()) return out;
  for (const std::string_view piece : split(query, '&')) {
    if (piece.empty()) continue;
    const auto equals = piece.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : piece.substr(equals + 1);
    Header decoded;
    decoded.name = TRY(percent_decode(piece.substr(0, equals)));
    decoded.value = TRY(percent_decode(value));
    out.push_back(std::move(decoded));
  }
  return out;
}

std::string percent_encode(std::string_view text)
{
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos)
      out.push_back(c);
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

namespace {

/// A value from elsewhere must not start a new line, or it could end the header.
std::string one_line(std::string_view text)
{
  std::string out{text};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return out;
}

std::string lines_of(const std::vector<Header>& headers)
{
  std::string out;
  for (const Header& header : headers)
    out += fmt::format("{}: {}\r\n", one_line(header.name), one_line(header.value));
  return out;
}

} // namespace

std::string write_response_head(const Response& response)
{
  return fmt::format("HTTP/1.1 {} {}\r\n{}", response.status, reason(response.status),
                     lines_of(response.headers));
}

std::string write_response(const Response& response, bool keep_alive)
{
  std::string out = write_response_head(response);
  out += fmt::format("Content-Length: {}\r\nConnection: {}\r\n\r\n", response.body.size(),
                     keep_alive ? "keep-alive" : "close");
  out += response.body;
  return out;
}

std::string write_request_head(const Request& request, std::string_view host)
{
  std::string out = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", one_line(request.method),
                                one_line(request.target), one_line(host));
  out += lines_of(request.headers);
  out += fmt::format("Connection: {}\r\n\r\n", request.keep_alive ? "keep-alive" : "close");
  return out;
}

std::string write_request(const Request& request, std::string_view host)
{
  Request sized = request;
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    sized.headers.push_back({"Content-Length", fmt::format("{}", request.body.size())});
  return write_request_head(sized, host) + request.body;
}

} // namespace dstack::http
