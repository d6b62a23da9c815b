// The timeline of the page, in the browser's own language: it is text here because the core knows no browser, and the
// page may load nothing. One canvas, and per lane a sorted list, so that 10,000 operations are drawn in one frame.

export const timelineScript: string = String.raw`
'use strict';
// Where everything lies for one partition: ranks (the how-manieth instant) and, for placed operations, the dots.
function layOut(history, partition) {
  const ops = partition.operations.map((index) => {
    const row = history.operations[index];
    return { index, lane: row[0], call: row[1], ret: row[2], label: row[3], place: -1, kind: 'later' };
  });
  const byIndex = new Map(ops.map((op) => [op.index, op]));
  const times = [...new Set(ops.flatMap((op) => (op.ret === null ? [op.call] : [op.call, op.ret])))].sort((a, b) => a - b);
  const rank = new Map(times.map((time, i) => [time, i]));
  const end = times.length + 1;
  for (const op of ops) {
    op.from = rank.get(op.call);
    op.to = op.ret === null ? end : rank.get(op.ret);
    if (op.ret === null) op.crashed = true;
  }
  partition.order.forEach((index, place) => Object.assign(byIndex.get(index), { place, kind: 'placed' }));
  for (const index of partition.unplaced) byIndex.get(index).kind = 'unplaced';
  if (partition.blocked !== null) byIndex.get(partition.blocked).kind = 'blocked';
  const order = partition.order.map((index) => byIndex.get(index));
  // The dot lies between the latest call so far and the earliest return still to come, in the middle if it can.
  let latest = end;
  for (let i = order.length - 1; i >= 0; i--) { latest = Math.min(latest, order[i].to); order[i].latest = latest; }
  let earliest = 0;
  for (const op of order) {
    earliest = Math.max(earliest, op.from);
    op.dot = Math.max(earliest, Math.min((earliest + op.latest) / 2, earliest + 0.8));
    earliest = op.dot;
  }
  const used = [...new Set(ops.map((op) => op.lane))].sort((a, b) => a - b);
  const lanes = used.map((lane) => ({ name: history.lanes[lane], ops: ops.filter((op) => op.lane === lane).sort((a, b) => a.from - b.from) }));
  lanes.forEach((lane, i) => lane.ops.forEach((op) => { op.row = i; }));
  return { ops, byIndex, times, end, order, lanes, partition };
}

class Timeline {
  constructor(canvas, tip) {
    this.canvas = canvas;
    this.tip = tip;
    this.gutter = 96;
    this.top = 46;
    this.rowHeight = 30;
    this.byClock = false;
    this.from = 0;
    this.to = 1;
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
      if (sideways) this.move((event.deltaX || event.deltaY) / this.width() * (this.to - this.from));
      else this.zoom(Math.exp(event.deltaY * 0.0015), this.at(event.offsetX));
    }, { passive: false });
    canvas.addEventListener('pointerdown', (event) => { this.drag = event.offsetX; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener('pointerup', () => { this.drag = undefined; });
    canvas.addEventListener('pointermove', (event) => {
      if (this.drag === undefined) return this.hover(event.offsetX, event.offsetY);
      this.move((this.drag - event.offsetX) / this.width() * (this.to - this.from));
      this.drag = event.offsetX;
    });
    canvas.addEventListener('pointerleave', () => { this.tip.hidden = true; this.lit = undefined; this.draw(); });
    canvas.addEventListener('keydown', (event) => {
      const step = (this.to - this.from) / 8;
      const act = { ArrowLeft: () => this.move(-step), ArrowRight: () => this.move(step), '+': () => this.zoom(0.7), '-': () => this.zoom(1.4) }[event.key];
      if (act) { event.preventDefault(); act(); }
    });
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  show(layout) {
    this.layout = layout;
    this.lit = undefined;
    this.canvas.style.height = this.top + Math.max(2, layout.lanes.length) * this.rowHeight + 10 + 'px';
    this.goToBreak();
  }

  // The whole axis: ranks, or the clock's own numbers.
  span() {
    if (!this.byClock) return [-0.5, this.layout.end + 0.5];
    const times = this.layout.times;
    const first = times[0] ?? 0, last = times[times.length - 1] ?? 1;
    const margin = (last - first || 1) * 0.02;
    return [first - margin, last + margin];
  }

  // A rank, whole or between two, on the axis that is shown.
  axis(rank) {
    if (!this.byClock) return rank;
    const times = this.layout.times, last = times.length - 1;
    if (rank >= last) return rank > last ? this.span()[1] : times[last];
    const whole = Math.floor(rank);
    return times[whole] + (times[whole + 1] - times[whole]) * (rank - whole);
  }

  width() { return this.canvas.clientWidth - this.gutter; }
  x(rank) { return this.gutter + (this.axis(rank) - this.from) / (this.to - this.from) * this.width(); }
  at(x) { return this.from + (x - this.gutter) / this.width() * (this.to - this.from); }

  fit() { [this.from, this.to] = this.span(); this.draw(); }

  goToBreak() {
    const { partition, byIndex, ops } = this.layout;
    if (partition.blocked === null || ops.length < 24) return this.fit();
    const op = byIndex.get(partition.blocked);
    // A dozen instants before the call, a few after the return: enough to see what contradicts it.
    const length = this.byClock ? 0 : Math.max(0, 30 - (op.to - op.from));
    this.look(this.axis(op.from - length * 0.7), this.axis(op.to + length * 0.3));
  }

  look(from, to) {
    const [first, last] = this.span();
    const length = Math.min(Math.max(to - from, (last - first) / 1e6), last - first);
    this.from = Math.min(Math.max(from, first), last - length);
    this.to = this.from + length;
    this.draw();
  }

  move(by) { this.look(this.from + by, this.to + by); }
  zoom(factor, around = (this.from + this.to) / 2) { this.look(around - (around - this.from) * factor, around + (this.to - around) * factor); }

  hover(x, y) {
    const lane = this.layout.lanes[Math.floor((y - this.top) / this.rowHeight)];
    // Later calls are drawn over earlier ones, so the last that covers the pointer is the one that is seen.
    const op = lane && x > this.gutter ? lane.ops.findLast((o) => this.x(o.from) - 3 <= x && x <= Math.max(this.x(o.to), this.x(o.from) + 4) + 2) : undefined;
    if (op !== this.lit) { this.lit = op; this.draw(); }
    this.tip.hidden = op === undefined;
    if (op === undefined) return;
    this.tip.replaceChildren(...this.describe(op));
    const room = this.canvas.clientWidth - this.tip.offsetWidth - 8;
    this.tip.style.left = Math.max(4, Math.min(x + 14, room)) + 'px';
    this.tip.style.top = Math.max(4, Math.min(y + 18, this.canvas.clientHeight - this.tip.offsetHeight - 4)) + 'px';
  }

  draw() {
    if (this.layout === undefined) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  paint() {
    const { canvas, layout } = this;
    const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const g = canvas.getContext('2d');
    g.scale(scale, scale);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue('--' + name).trim();
    const colours = Object.fromEntries(['back', 'line', 'text', 'faint', 'placed', 'placed-text', 'blocked', 'unplaced', 'later', 'path', 'band', 'panel'].map((name) => [name, colour(name)]));
    g.font = '12px system-ui, "DejaVu Sans", sans-serif';
    g.textBaseline = 'middle';
    this.paintLanes(g, colours, width, height);
    g.save();
    g.beginPath(); g.rect(this.gutter, 0, width - this.gutter, height); g.clip();
    const blocked = layout.partition.blocked === null ? undefined : layout.byIndex.get(layout.partition.blocked);
    if (blocked) {
      g.fillStyle = colours.band;
      g.fillRect(this.x(blocked.to), 0, width, height);
      g.fillStyle = colours.blocked;
      g.fillRect(this.x(blocked.to) - 1, 0, 2, height);
    }
    for (const lane of layout.lanes) for (const op of lane.ops) this.paintOperation(g, colours, op, width);
    // Once more on top, for seen from afar its neighbours cover it.
    if (blocked) this.paintOperation(g, colours, blocked, width);
    this.paintOrder(g, colours, width);
    this.paintStates(g, colours, width);
    g.restore();
  }

  paintLanes(g, colours, width, height) {
    g.fillStyle = colours.back;
    g.fillRect(0, 0, width, height);
    g.fillStyle = colours.panel;
    g.fillRect(0, 0, width, this.top - 8);
    g.fillStyle = colours.faint;
    g.fillText('state', 12, this.top / 2 - 3);
    this.layout.lanes.forEach((lane, i) => {
      const y = this.top + i * this.rowHeight;
      g.fillStyle = colours.line;
      g.fillRect(0, y + this.rowHeight - 1, width, 1);
      g.fillStyle = colours.faint;
      g.fillText(('client ' + lane.name).slice(0, 13), 12, y + this.rowHeight / 2, this.gutter - 18);
    });
  }

  paintOperation(g, colours, op, width) {
    const left = this.x(op.from), right = Math.max(this.x(op.to), left + 3);
    if (right < this.gutter || left > width) return;
    const y = this.top + op.row * this.rowHeight + 4, height = this.rowHeight - 9;
    g.fillStyle = colours[op.kind];
    if (op.crashed) {
      const fade = g.createLinearGradient(Math.max(left, this.gutter), 0, Math.min(right, width), 0);
      fade.addColorStop(0, colours[op.kind]);
      fade.addColorStop(1, 'transparent');
      g.fillStyle = fade;
    }
    const visible = Math.min(right, width) - Math.max(left, this.gutter);
    if (right - left < 6) return g.fillRect(left, y, Math.max(op.kind === 'blocked' ? 4 : 1, right - left - 0.5), height);
    g.beginPath();
    g.roundRect(left + 0.5, y, right - left - 1, height, 4);
    g.fill();
    if (op === this.lit) { g.strokeStyle = colours.text; g.lineWidth = 2; g.stroke(); }
    if (visible < 34) return;
    g.save();
    g.beginPath(); g.rect(Math.max(left, this.gutter) + 4, y, visible - 8, height); g.clip();
    g.fillStyle = op.kind === 'later' ? colours.text : colours['placed-text'];
    g.fillText(op.label, Math.max(left, this.gutter) + 7, y + height / 2 + 0.5);
    g.restore();
  }

  // Dots at the instants, and the line from each to the next: the order itself.
  paintOrder(g, colours, width) {
    const { order } = this.layout;
    const seen = order.filter((op) => { const x = this.x(op.dot); return x > this.gutter - 200 && x < width + 200; });
    if (seen.length === 0 || seen.length > width) return;
    g.strokeStyle = g.fillStyle = colours.path;
    g.globalAlpha = seen.length > 300 ? 0.25 : 0.55;
    g.lineWidth = 1.2;
    g.beginPath();
    for (const op of seen) g.lineTo(this.x(op.dot), this.top + op.row * this.rowHeight + this.rowHeight - 8);
    g.stroke();
    g.globalAlpha = 1;
    if (seen.length > 300) return;
    for (const op of seen) {
      g.beginPath();
      g.arc(this.x(op.dot), this.top + op.row * this.rowHeight + this.rowHeight - 8, 3, 0, 7);
      g.fill();
    }
  }

  // What the state was between one change and the next, along the top.
  paintStates(g, colours, width) {
    const { order, partition, end } = this.layout;
    const blocked = partition.blocked === null ? end : this.layout.byIndex.get(partition.blocked).to;
    let from = -1, text = partition.initial;
    const paint = (to) => {
      const left = Math.max(this.x(from), this.gutter), right = Math.min(this.x(to), width);
      if (right <= left) return;
      g.fillStyle = colours.faint;
      g.fillRect(left, 6, 1, this.top - 20);
      if (right - left < 16) return;
      g.save();
      g.beginPath(); g.rect(left, 0, right - left - 3, this.top); g.clip();
      g.fillStyle = colours.text;
      g.fillText(text, left + 6, this.top / 2 - 3);
      g.restore();
    };
    order.forEach((op, i) => {
      const next = partition.states[i];
      if (next === text) return;
      paint(op.dot);
      from = op.dot;
      text = next;
    });
    paint(Math.max(blocked, from));
  }
}
`;
