/** The style of every page: plain, readable on a phone and on paper, light and dark. Colours have a contrast of 4.5 or more. */
export const styleSheet = `
:root {
  --ground: #ffffff; --panel: #f5f6f8; --line: #d5d9e0; --text: #1b1f27; --faint: #555d6b;
  --good: #17693a; --good-ground: #e6f4ea; --warn: #7a4b00; --warn-ground: #fdf2dc; --bad: #a11c1c; --bad-ground: #fde8e8;
  --bar: #5b7bb5; --down: #c0392b; --link: #1a4f9c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --panel: #1e232b; --line: #3a414d; --text: #e8eaee; --faint: #a9b1bf;
    --good: #79d59c; --good-ground: #14301f; --warn: #f0c36d; --warn-ground: #35290f; --bad: #ff9d96; --bad-ground: #3d1816;
    --bar: #7d9fdc; --down: #f0796b; --link: #8ab4f8;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 68rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.45rem; line-height: 1.3; margin: 0.25rem 0 0.5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p { margin: 0.4rem 0; }
a { color: var(--link); }
code, pre, .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.9em; }
pre { margin: 0; padding: 0.75rem; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; max-height: 30rem; overflow: auto; }
.label { display: inline-block; font-weight: 700; padding: 0.1rem 0.6rem; border-radius: 999px; }
.summary { border: 1px solid var(--line); border-left-width: 8px; border-radius: 6px; padding: 1rem 1.25rem; }
.summary.good { border-left-color: var(--good); } .summary.warn { border-left-color: var(--warn); } .summary.bad { border-left-color: var(--bad); }
.good .label, .label.good { color: var(--good); background: var(--good-ground); }
.warn .label, .label.warn { color: var(--warn); background: var(--warn-ground); }
.bad .label, .label.bad { color: var(--bad); background: var(--bad-ground); }
.summary dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.5rem 1rem; margin: 0.75rem 0 0; }
dt { font-weight: 600; color: var(--faint); } dd { margin: 0; }
.reason { margin-bottom: 0.4rem; }
.command { display: flex; gap: 0.5rem; align-items: baseline; margin: 0.25rem 0; }
.command code { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 0.15rem 0.5rem; user-select: all; }
button.copy { font: inherit; font-size: 0.85em; color: var(--text); background: var(--panel); border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
button.copy[hidden] { display: none; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { overflow-wrap: break-word; text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid var(--line); }
td.message { min-width: 12rem; overflow-wrap: anywhere; }
.bars { min-width: 10rem; width: 40%; }
thead th { color: var(--faint); font-weight: 600; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.bad td:first-child, .failed { color: var(--bad); } .passed { color: var(--good); }
svg.timeline, svg.plot { width: 100%; height: auto; display: block; }
svg text { fill: var(--text); font: 12px system-ui, "DejaVu Sans", sans-serif; }
svg .faint { fill: var(--faint); } svg .bar { fill: var(--bar); } svg .bar.failed { fill: var(--down); }
svg .down { fill: var(--down); opacity: 0.16; } svg .mark { fill: var(--down); } svg .grid { stroke: var(--line); stroke-width: 1; }
svg .good { fill: var(--good); } svg .warn { fill: var(--warn); } svg .bad { fill: var(--bad); }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0; padding: 0 0.75rem; }
details[open] { padding-bottom: 0.75rem; }
summary { cursor: pointer; padding: 0.5rem 0; font-weight: 600; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0.5rem; padding: 0; list-style: none; margin: 0.5rem 0; }
.grid li { border: 1px solid var(--line); border-left-width: 6px; border-radius: 6px; padding: 0.4rem 0.6rem; }
.grid li.good { border-left-color: var(--good); } .grid li.warn { border-left-color: var(--warn); } .grid li.bad { border-left-color: var(--bad); }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
footer { color: var(--faint); font-size: 0.9em; margin: 2.5rem 0 1rem; border-top: 1px solid var(--line); padding-top: 0.75rem; }
@media (max-width: 40rem) {
  .summary dl { grid-template-columns: 1fr; gap: 0.1rem; } .summary dd { margin-bottom: 0.5rem; }
  .columns { grid-template-columns: 1fr; } .command { flex-wrap: wrap; } h1 { font-size: 1.2rem; }
}
@media print {
  body { font-size: 11pt; } button.copy { display: none !important; } details { break-inside: avoid; }
  pre { max-height: none; overflow: visible; } main { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
