/** The style of every page: plain, readable on a phone and on paper, light and dark. Colours of text have a contrast of 4.5 or more. */
export const styleSheet = `
:root {
  --ground: #ffffff; --panel: #f5f6f8; --line: #d5d9e0; --text: #1b1f27; --faint: #555d6b;
  --good: #17693a; --good-ground: #e6f4ea; --warn: #7a4b00; --warn-ground: #fdf2dc; --bad: #a11c1c; --bad-ground: #fde8e8;
  --plain-ground: #e9ecf1; --bar: #5b7bb5; --down: #c0392b; --healthy: #2e8b57; --waiting: #d98200; --link: #1a4f9c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --panel: #1e232b; --line: #3a414d; --text: #e8eaee; --faint: #a9b1bf;
    --good: #79d59c; --good-ground: #14301f; --warn: #f0c36d; --warn-ground: #35290f; --bad: #ff9d96; --bad-ground: #3d1816;
    --plain-ground: #2a303a; --bar: #7d9fdc; --down: #f0796b; --healthy: #79d59c; --waiting: #f0c36d; --link: #8ab4f8;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0.35rem 0 0.6rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 0.6rem; }
h3 { font-size: 1rem; margin: 1rem 0 0.25rem; }
p { margin: 0.4rem 0; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.9em; }
pre { margin: 0.25rem 0; padding: 0.6rem 0.75rem; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; max-height: 30rem; overflow: auto; }
.label { display: inline-block; font-weight: 700; padding: 0.05rem 0.6rem; border-radius: 0.85rem; background: var(--plain-ground); overflow-wrap: break-word; }
.label.good { color: var(--good); background: var(--good-ground); }
.label.warn { color: var(--warn); background: var(--warn-ground); }
.label.bad { color: var(--bad); background: var(--bad-ground); }
.summary { border-left: 8px solid var(--faint); padding: 0.25rem 0 0.25rem 1.25rem; }
.summary.good { border-left-color: var(--good); } .summary.warn { border-left-color: var(--warn); } .summary.bad { border-left-color: var(--bad); }
.call { color: var(--faint); margin: 0; }
.facts { color: var(--faint); margin: 0; }
.facts time { white-space: nowrap; }
.facts span + span::before { content: "\\00b7\\00a0"; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-top: 1.25rem; }
.answer { border: 1px solid var(--line); border-radius: 8px; padding: 0.75rem 1.1rem 1rem; min-width: 0; }
.answer.first { grid-column: 1 / -1; }
.answer h2 { margin: 0 0 0.3rem; font-size: 0.95rem; color: var(--faint); }
.answer .reason { font-weight: 600; }
.big { font-size: 1.6rem; font-weight: 700; line-height: 1.2; margin: 0.1rem 0 0.4rem; }
.big.good { color: var(--good); } .big.warn { color: var(--warn); } .big.bad { color: var(--bad); }
.caption { color: var(--faint); font-size: 0.9em; margin: 0.6rem 0 0; }
.step + .step { margin-top: 0.6rem; }
.step p { margin: 0; }
.command { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: baseline; margin: 0.2rem 0; }
.command code { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 0.15rem 0.5rem; user-select: all; min-width: 0; }
button.copy { font: inherit; font-size: 0.85em; color: var(--text); background: var(--panel); border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
button.copy[hidden] { display: none; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { overflow-wrap: break-word; text-align: left; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--line); font-weight: 400; max-width: 40rem; }
th, td { overflow-wrap: anywhere; min-width: 4.5rem; }
thead th { color: var(--faint); font-weight: 600; overflow-wrap: break-word; min-width: 0; }
td ul { margin: 0; padding-left: 1.1rem; }
tr.bad th { color: var(--bad); }
.failed { color: var(--bad); } .passed { color: var(--good); }
.legend { color: var(--faint); font-size: 0.9em; }
.key { display: inline-block; width: 1.1rem; height: 0.7rem; margin-left: 0.6rem; vertical-align: baseline; background: var(--bar); }
.key:first-child { margin-left: 0; }
.key.failed { background: var(--down); } .key.down { background: var(--down); opacity: 0.25; }
.key.waiting, .key.healthy { width: 3px; height: 1rem; vertical-align: text-bottom; background: var(--waiting); } .key.healthy { background: var(--healthy); }
.timeline { list-style: none; margin: 0; padding: 0; }
.timeline li { display: grid; grid-template-columns: 9rem 6rem minmax(8rem, 16rem) 1fr; gap: 0 0.75rem; align-items: center; border-bottom: 1px solid var(--line); padding: 0.2rem 0; }
.timeline .took { font-variant-numeric: tabular-nums; } .timeline .result { color: var(--faint); }
.timeline li.bad .phase, .timeline li.bad .result { color: var(--bad); }
.timeline svg { display: block; overflow: visible; }
.timeline li.axis { border: 0; color: var(--faint); font-size: 0.85em; display: flex; justify-content: space-between; padding-left: calc(min(31rem, 65%) + 2.25rem); }
.timeline li.axis span:first-child { display: none; }
svg .bar { fill: var(--bar); } svg .bar.failed { fill: var(--down); } svg .down { fill: var(--down); opacity: 0.18; }
svg .waiting { fill: var(--waiting); } svg .healthy { fill: var(--healthy); }
svg .good { fill: var(--healthy); } svg .warn { fill: var(--waiting); } svg .bad { fill: var(--down); } svg .plain { fill: var(--bar); }
svg .axis { stroke: var(--line); stroke-width: 1; }
.plot { position: relative; } .plot svg { display: block; } .plot .scale { position: absolute; right: 0; top: -1.4rem; color: var(--faint); font-size: 0.85em; }
.ends { display: flex; justify-content: space-between; gap: 1rem; color: var(--faint); font-size: 0.85em; margin: 0.2rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.75rem; margin: 1rem 0; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem 1rem; } .tile dt { color: var(--faint); font-size: 0.9em; } .tile dd { margin: 0; font-size: 1.15rem; font-weight: 700; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0; padding: 0 0.75rem; }
details[open] { padding-bottom: 0.75rem; }
summary { cursor: pointer; padding: 0.5rem 0; font-weight: 600; }
details ul { margin: 0; padding-left: 1.25rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: 0.5rem; padding: 0; list-style: none; margin: 0.5rem 0; }
.grid li { border: 1px solid var(--line); border-left: 6px solid var(--faint); border-radius: 6px; padding: 0.3rem 0.6rem; min-width: 0; line-height: 1.35; font-size: 0.95em; }
.grid li span { display: block; color: var(--faint); }
.grid li.good { border-left-color: var(--good); } .grid li.warn { border-left-color: var(--warn); background: var(--warn-ground); } .grid li.bad { border-left-color: var(--bad); background: var(--bad-ground); }
.grid li.warn span { color: var(--warn); } .grid li.bad span { color: var(--bad); } .grid li a { color: inherit; font-size: 0.9em; }
.count { color: var(--faint); font-weight: 400; }
.cause { border-left: 4px solid var(--line); padding-left: 0.75rem; margin: 0.75rem 0; } .cause .reason { font-weight: 600; }
footer { color: var(--faint); font-size: 0.9em; margin: 2.5rem 0 1rem; border-top: 1px solid var(--line); padding-top: 0.75rem; }
@media (max-width: 46rem) {
  main { padding: 0.75rem; } h1 { font-size: 1.25rem; }
  .answers { grid-template-columns: 1fr; gap: 0.75rem; } .summary { padding-left: 0.75rem; }
  .timeline li { grid-template-columns: 1fr auto; } .timeline .result { grid-column: 1 / -1; } .timeline svg { grid-column: 1 / -1; }
  .timeline li.axis { padding-left: 0; }
  .grid { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
  table.stacked, table.stacked tbody { display: block; } table.stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.stacked tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1rem; border-bottom: 1px solid var(--line); padding: 0.4rem 0; }
  table.stacked th, table.stacked td { border: 0; padding: 0.1rem 0; } table.stacked tbody th { grid-column: 1 / -1; font-weight: 600; }
  table.stacked td::before { content: attr(data-title); display: block; color: var(--faint); font-size: 0.85em; }
}
@media print {
  body { font-size: 11pt; } button.copy { display: none !important; } details, .answer { break-inside: avoid; }
  pre { max-height: none; overflow: visible; } main { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
