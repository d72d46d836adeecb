#pragma once
/// The dashboard's style. Its hash is in the page's Content-Security-Policy.

#include <string_view>

namespace dstack::guestapi {

/// Values may hold long hex and names in any script: they wrap anywhere, and text of one direction
/// cannot reorder what stands beside it.
inline constexpr std::string_view page_style = R"(
:root { color-scheme: light dark; --ink: #1c2330; --quiet: #5b6577; --paper: #f4f6f9; --card: #fff;
  --line: #dde2ea; --accent: #1f5fbf; --warn-ink: #6b3d00; --warn: #fff1d6; --warn-line: #e0a030; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ef; --quiet: #98a3b5; --paper: #12161d; --card: #1b212b; --line: #2d3644;
    --accent: #7db0ff; --warn-ink: #ffd996; --warn: #3a2a0c; --warn-line: #a9771c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
header, main { max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; unicode-bidi: isolate; }
h2 { margin: 0 0 .5rem; font-size: 1.05rem; }
p { margin: 0; }
.quiet { color: var(--quiet); overflow-wrap: anywhere; }
section, .warning { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem; margin: 1rem 0; }
.warning { background: var(--warn); border-color: var(--warn-line); color: var(--warn-ink); }
dl { margin: 0; }
dl div { display: grid; grid-template-columns: 12rem 1fr; gap: .25rem 1rem; padding: .3rem 0;
  border-top: 1px solid var(--line); }
dl div:first-child { border-top: 0; }
dt { color: var(--quiet); }
dt, dd, td { margin: 0; overflow-wrap: anywhere; unicode-bidi: isolate; min-width: 0; }
dd, td { white-space: pre-wrap; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; color: var(--quiet); font-weight: 400; }
th, td { padding: .35rem .5rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
a { color: var(--accent); }
textarea { width: 100%; resize: vertical; border: 1px solid var(--line); border-radius: .4rem;
  padding: .6rem; background: var(--paper); color: var(--ink);
  font: .8rem/1.45 ui-monospace, "Liberation Mono", Menlo, Consolas, monospace; }
@media (max-width: 36rem) { dl div { grid-template-columns: 1fr; gap: 0; } }
)";

} // namespace dstack::guestapi
