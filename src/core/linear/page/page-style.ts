// The page's style. Colours are variables, so that the canvas can ask for the same ones in the light and in the dark.

export const pageStyle: string = `
:root { color-scheme: light dark; --back: #fff; --panel: #f6f7f9; --line: #d9dde3; --text: #1c2430; --faint: #647084;
  --placed: #4c7fd9; --placed-text: #fff; --blocked: #d5303e; --unplaced: #e59a1c; --later: #c3c9d2; --good: #2b8a57; --path: #16233a; --band: #d5303e1c; }
@media (prefers-color-scheme: dark) { :root { --back: #14181f; --panel: #1c222c; --line: #333c4a; --text: #e6eaf0; --faint: #97a3b6;
  --placed: #3f6fc4; --blocked: #f0505d; --unplaced: #d48c18; --later: #465063; --good: #4cc38a; --path: #dfe7f5; --band: #f0505d2b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
header { padding: 18px 24px 12px; border-bottom: 1px solid var(--line); }
.title { display: flex; gap: 14px; align-items: center; flex-wrap: wrap; }
h1 { font-size: 19px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 6px; }
header p { margin: 6px 0 0; color: var(--faint); }
.badge { color: #fff; border-radius: 4px; padding: 2px 10px; font-weight: 600; font-size: 13px; }
.badge.ok, nav .ok::before { background: var(--good); }
.badge.illegal, nav .illegal::before { background: var(--blocked); }
.badge.unknown, nav .unknown::before { background: var(--unplaced); }
main { display: flex; align-items: flex-start; }
nav { flex: 0 0 210px; padding: 14px 0 14px 16px; max-height: 100vh; overflow-y: auto; position: sticky; top: 0; }
nav h3 { font-size: 12px; color: var(--faint); margin: 8px 0 4px; font-weight: 600; overflow-wrap: anywhere; }
nav button { display: block; width: 100%; text-align: left; border: 0; background: none; color: inherit; font: inherit; padding: 4px 8px; border-radius: 4px; cursor: pointer; }
nav button::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 8px; }
nav button[aria-current] { background: var(--panel); font-weight: 600; }
nav small { color: var(--faint); font-weight: 400; }
section { flex: 1; min-width: 0; padding: 16px 24px 48px; }
#story { border-left: 4px solid var(--good); background: var(--panel); padding: 12px 16px; border-radius: 0 6px 6px 0; max-width: 110ch; }
#story.illegal { border-color: var(--blocked); } #story.unknown { border-color: var(--unplaced); }
#story p { margin: 4px 0; } #story ol { margin: 6px 0 2px; padding-left: 22px; }
code { font: 13px/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; background: color-mix(in srgb, var(--text) 8%, transparent); padding: 1px 5px; border-radius: 3px; overflow-wrap: anywhere; }
code.bad { background: color-mix(in srgb, var(--blocked) 22%, transparent); }
.tools { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; margin: 14px 0 8px; }
.tools button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 5px; padding: 3px 11px; cursor: pointer; }
.tools label { color: var(--faint); }
.legend { color: var(--faint); margin-left: auto; font-size: 12.5px; }
.legend i { display: inline-block; width: 18px; height: 10px; border-radius: 3px; margin: 0 5px 0 10px; background: var(--placed); }
.legend .blocked { background: var(--blocked); } .legend .unplaced { background: var(--unplaced); } .legend .later { background: var(--later); }
.legend .crashed { background: linear-gradient(90deg, var(--placed), transparent); }
#frame { position: relative; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
canvas { display: block; width: 100%; cursor: grab; touch-action: none; }
canvas:active { cursor: grabbing; }
#tip { position: absolute; pointer-events: none; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; max-width: 440px;
  box-shadow: 0 4px 18px #0004; font-size: 13px; z-index: 2; }
#tip b { display: block; overflow-wrap: anywhere; } #tip div { color: var(--faint); overflow-wrap: anywhere; }
.hint { color: var(--faint); font-size: 12.5px; max-width: 110ch; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; font-weight: 600; color: var(--faint); white-space: nowrap; }
th, td { padding: 3px 10px; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td:first-child, th:first-child { text-align: right; width: 5em; color: var(--faint); }
tr.blocked td { background: color-mix(in srgb, var(--blocked) 16%, transparent); }
tr.pick { cursor: pointer; } tr.pick:hover td { background: var(--panel); }
@media (max-width: 800px) { main { display: block; } nav { position: static; max-height: 180px; } .legend { margin: 0; } }
`;
