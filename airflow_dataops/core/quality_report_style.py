"""How a report looks: one style sheet for light, dark and paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #17202c; --soft: #5a6675; --line: #e1e5ea; --head: #f0f2f5;
  --good: #7f95b2; --bad: #d0342c; --hatch: #ffffff; --allowed: #2e8b5714; --bound: #2e8b57;
  --pass-ink: #1b6b41; --pass: #e3f4ea; --warn-ink: #8a5300; --warn: #fdf0d9; --fail-ink: #a81d16; --fail: #fde7e5;
  --skip-ink: #4b5563; --skip: #e8ebef; --link: #0b5cad;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11161d; --card: #1a212b; --ink: #e6eaf0; --soft: #9aa7b6; --line: #2b3541; --head: #202936;
    --good: #6f88aa; --bad: #f2665d; --hatch: #1a212b; --allowed: #4cc38a17; --bound: #4cc38a;
    --pass-ink: #7fdcab; --pass: #153527; --warn-ink: #f4c069; --warn: #3a2a0d; --fail-ink: #ff9d95; --fail: #431a17;
    --skip-ink: #b6c0cc; --skip: #2b3541; --link: #7db7f5;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Noto Sans", sans-serif; -webkit-text-size-adjust: 100%;
}
main { max-width: 1080px; margin: 0 auto; padding: 36px 24px 56px; }
a { color: var(--link); }
.eyebrow { color: var(--soft); font-size: 13px; margin: 0 0 12px; overflow-wrap: anywhere; }
.eyebrow b { color: var(--ink); font-weight: 600; }
.badge {
  display: inline-block; padding: 3px 12px; border-radius: 999px; font-weight: 650; font-size: 13px; margin: 0 0 12px;
}
h1 { font-size: 25px; line-height: 1.32; font-weight: 650; letter-spacing: -0.012em; margin: 0; max-width: 36em;
  overflow-wrap: anywhere; text-wrap: pretty; }
h1.long { font-size: 18.5px; line-height: 1.45; font-weight: 600; letter-spacing: -0.005em; max-width: 50em; }
h2 { font-size: 17px; font-weight: 650; margin: 40px 0 12px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; margin: 28px 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.figures div { background: var(--card); padding: 14px 18px; }
.figures dt { color: var(--soft); font-size: 13px; }
.figures dd { margin: 2px 0 0; font-size: 23px; font-weight: 600; font-variant-numeric: tabular-nums;
  letter-spacing: -0.01em; }
.figures dd small { font-size: 14px; font-weight: 400; color: var(--soft); letter-spacing: 0;
  white-space: nowrap; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr)); gap: 16px; }
figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0;
  padding: 16px 18px 12px; display: flex; flex-direction: column; min-width: 0; }
figure h3 { font-size: 15px; font-weight: 650; margin: 0; overflow-wrap: anywhere; }
figure ul { margin: 2px 0 10px; padding: 0; list-style: none; font-size: 13.5px; color: var(--soft);
  overflow-wrap: anywhere; }
figure svg { display: block; width: 100%; height: auto; margin-top: auto; }
figcaption { font-size: 12.5px; color: var(--soft); margin-top: 8px; display: flex; flex-wrap: wrap; gap: 4px 14px; }
.key::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
.key-good::before { background: var(--good); }
.key-bad::before { background: var(--bad); }
.key-allowed::before { background: var(--allowed); border: 1px solid var(--bound); }
svg text { font-size: 11px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .end { text-anchor: middle; }
svg .count, svg .name { text-anchor: end; }
svg .name { fill: var(--ink); font-size: 12px; }
svg .good { fill: var(--good); }
svg .bad { fill: var(--bad); }
svg .allowed { fill: var(--allowed); }
svg .bound { stroke: var(--bound); stroke-width: 1.2; stroke-dasharray: 4 3; }
svg .grid { stroke: var(--line); }
svg .base { stroke: var(--soft); stroke-opacity: .55; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 9px 14px; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--head); color: var(--soft); font-size: 12.5px; font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
tbody th span { display: inline-block; max-width: 16em; overflow-wrap: break-word; }
tbody th small { font-size: 13.5px; font-weight: 400; color: var(--soft); }
td.rule { min-width: 13em; overflow-wrap: anywhere; }
td.rule small { display: block; color: var(--soft); font-size: 13px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.limit { color: var(--soft); white-space: nowrap; }
.status { display: inline-block; padding: 1px 9px; border-radius: 999px; font-size: 12.5px; font-weight: 600;
  white-space: nowrap; }
.pass { color: var(--pass-ink); background: var(--pass); }
.warn { color: var(--warn-ink); background: var(--warn); }
.fail { color: var(--fail-ink); background: var(--fail); }
.skip { color: var(--skip-ink); background: var(--skip); }
.facts { display: grid; grid-template-columns: minmax(8em, max-content) 1fr; gap: 6px 20px; margin: 0;
  font-size: 14px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.note { color: var(--soft); font-size: 13.5px; margin: 12px 0 0; }
@media (max-width: 640px) {
  main { padding: 22px 14px 40px; }
  .figures { grid-template-columns: 1fr 1fr; }
  h1 { font-size: 21px; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: 8px; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --head: #f2f2f2;
    --good: #8fa3bd; --bad: #c3271f; --pass-ink: #1b6b41; --warn-ink: #8a5300; --fail-ink: #a81d16;
    --pass: #e3f4ea; --warn: #fdf0d9; --fail: #fde7e5; --skip: #e8ebef; --skip-ink: #4b5563; --link: #000; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  figure, tr, .figures { break-inside: avoid; }
  h2 { break-after: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
}
"""
