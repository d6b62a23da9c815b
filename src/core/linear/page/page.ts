// One self-contained page: markup, style, data and script in a single file that can be mailed, kept beside a failed
// run, and opened anywhere. It loads nothing.

import { type CheckedHistory, pageData } from './page-data.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import { timelineScript } from './timeline-script.ts';

export function renderPage(checked: readonly CheckedHistory[]): string {
  // Within a script element only "<" can end it early, whatever a client may have written.
  const data = JSON.stringify(checked.map(pageData)).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Linearizability</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
  <div class="title"><h1 id="title"></h1><span id="verdict" class="badge"></span></div>
  <p id="summary"></p>
</header>
<main>
  <nav id="partitions" aria-label="Histories and keys"></nav>
  <section>
    <div id="story"></div>
    <div class="tools">
      <button id="break" title="Show where it broke">Where it broke</button>
      <button id="fit" title="Show everything">All of it</button>
      <button id="closer" title="Zoom in">+</button>
      <button id="farther" title="Zoom out">−</button>
      <label><input type="checkbox" id="clock"> to scale of time</label>
      <span class="legend"><i class="placed"></i>placed in the order <i class="blocked"></i>could not be placed
      <i class="unplaced"></i>open when it broke <i class="later"></i>after the break <i class="crashed"></i>never returned</span>
    </div>
    <div id="frame"><canvas id="timeline" tabindex="0" aria-label="Timeline of all clients"></canvas><div id="tip" hidden></div></div>
    <p class="hint">Each lane is a client, each bar one operation from its call to its return. The dot in a bar is the instant at which the order
    lets it happen; the line leads from one to the next. Wheel zooms, dragging moves, hovering tells what the state was.</p>
    <div id="order"></div>
  </section>
</main>
<script type="application/json" id="data">${data}</script>
<script>${timelineScript}${pageScript}</script>
</body>
</html>
`;
}
