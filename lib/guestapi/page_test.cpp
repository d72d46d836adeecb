#include "guestapi/page.hpp"

#include <doctest/doctest.h>

namespace dstack::guestapi {

namespace {

constexpr std::string_view hostile = "<script>document.title='owned'</script>\"'&<!--";
constexpr std::string_view harmless =
    "&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;&quot;&#39;&amp;&lt;!--";

PageFacts hostile_facts()
{
  PageFacts out;
  for (std::string* one :
       {&out.app_name, &out.app_id, &out.instance_id, &out.device_id, &out.key_provider_info,
        &out.cloud_vendor, &out.cloud_product, &out.tcb_info, &out.containers_problem})
    *one = hostile;
  return out;
}

std::size_t count(std::string_view text, std::string_view what)
{
  std::size_t out = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++out;
  return out;
}

bool holds(std::string_view text, std::string_view what)
{
  return text.find(what) != std::string_view::npos;
}

} // namespace

TEST_SUITE("guestapi::render_page")
{
  TEST_CASE("every value is text, wherever it stands")
  {
    PageFacts facts = hostile_facts();
    SystemInfo system;
    for (std::string* one :
         {&system.os_name, &system.os_version, &system.kernel_version, &system.cpu_model})
      *one = hostile;
    system.disks = {{std::string{hostile}, std::string{hostile}, 1, 1}};
    const std::string broken = render_page(facts, system, LogLinks::yes);
    // title, heading, name, 3 ids, provider, vendor and product, problem, TCB; 4 of the system, 2
    // of the disk
    CHECK(count(broken, harmless) == 17);
    CHECK_FALSE(holds(broken, "<script"));
    CHECK_FALSE(holds(broken, "<!--"));
    facts.containers_problem.clear();
    facts.containers = {{std::string{hostile}, std::string{hostile}}};
    const std::string listed = render_page(facts, system, LogLinks::yes);
    CHECK(count(listed, harmless) == 18);
    CHECK_FALSE(holds(listed, "<script"));
    CHECK(holds(listed, "<a href=\"/logs/%3Cscript%3Edocument.title%3D%27owned%27%3C%2Fscript%3E%22"
                        "%27%26%3C%21--?text&amp;bare&amp;timestamps&amp;follow&amp;tail=20\">"));
  }

  TEST_CASE("what is not public is not there")
  {
    PageFacts facts;
    facts.app_name = "shop";
    facts.containers = {{"/web-1", "Up 2 seconds"}};
    const std::string closed = render_page(facts, std::nullopt, LogLinks::no);
    CHECK(holds(closed, "<td>web-1</td><td>Up 2 seconds</td></tr>"));
    CHECK(holds(closed, "TCB info is not public"));
    for (const auto absent : {"/logs/", "System", "<textarea", "Machine Provider", "Simulated"})
      CHECK_FALSE(holds(closed, absent));
    facts.tcb_info = "\n{}";
    facts.cloud_product = "box";
    facts.simulated_tee = true;
    const std::string open = render_page(facts, SystemInfo{}, LogLinks::yes);
    CHECK(holds(open, "href=\"/logs/web-1?text&amp;"));
    CHECK(holds(open, "\n\n{}</textarea>"));
    CHECK(holds(open, "<dd> (box)</dd>"));
    CHECK(holds(open, "Simulated evidence"));
    CHECK(holds(open, "<h2>System</h2>"));
  }

  TEST_CASE("the policy names the style that is in the page")
  {
    const auto headers = page_headers();
    REQUIRE(headers.size() == 2);
    CHECK(headers[1].value.starts_with("default-src 'none'; style-src 'sha256-"));
    CHECK_FALSE(holds(headers[1].value, "unsafe"));
    CHECK(count(render_page({}, std::nullopt, LogLinks::no), "<style>") == 1);
  }

  TEST_CASE("facts come from an Info answer")
  {
    const auto info = codec::parse_json(
        R"({"app_name":"a","app_id":"01","instance_id":"02","device_id":"03","tcb_info":"{}",
            "key_provider_info":"k","cloud_vendor":"v","cloud_product":"p","app_cert":""})");
    REQUIRE(info);
    const auto facts = page_facts(*info);
    REQUIRE(facts);
    CHECK(facts->app_name + facts->app_id + facts->instance_id + facts->device_id == "a010203");
    CHECK(facts->key_provider_info + facts->cloud_vendor + facts->cloud_product == "kvp");
    CHECK(facts->tcb_info == "{}");
  }
}

TEST_SUITE("guestapi page texts")
{
  TEST_CASE("sizes are powers of 1024 with two decimals")
  {
    CHECK(format_bytes(0) == "0.00 B");
    CHECK(format_bytes(1023) == "1023.00 B");
    CHECK(format_bytes(1024) == "1.00 KB");
    CHECK(format_bytes(1536ULL << 20U) == "1.50 GB");
    CHECK(format_bytes(~0ULL) == "16.00 EB");
  }

  TEST_CASE("markup, controls and broken UTF-8 lose their power")
  {
    CHECK(escape_html("a&b<c>d\"e'f") == "a&amp;b&lt;c&gt;d&quot;e&#39;f");
    CHECK(escape_html(std::string_view{"a\0b\xff\x1b", 5}) == "a?b??");
    CHECK(escape_html("a\u202eb\u2066\u2069") == "a?b??");
    CHECK(escape_html("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  }

  TEST_CASE("a log link cannot leave /logs/")
  {
    CHECK(log_link("web-1") == "/logs/web-1?text&bare&timestamps&follow&tail=20");
    CHECK(log_link("../a?b#c&d").starts_with("/logs/..%2Fa%3Fb%23c%26d?text"));
    CHECK(log_link("javascript:x").starts_with("/logs/javascript%3Ax?"));
  }
}

} // namespace dstack::guestapi
