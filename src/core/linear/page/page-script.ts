// What surrounds the timeline on the page: the list of keys, the story of what went wrong, and the order as a table.

export const pageScript: string = String.raw`
const histories = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const words = { ok: 'linearizable', illegal: 'not linearizable', unknown: 'unknown' };
const tableRows = 12;

function element(name, content, attributes) {
  const made = document.createElement(name);
  for (const part of [content ?? []].flat()) made.append(part);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  return made;
}
const code = (text, bad) => element('code', text, bad ? { class: 'bad' } : {});
const count = (n, thing) => n.toLocaleString('en') + ' ' + thing + (n === 1 ? '' : 's');
const instant = (time) => (Number.isInteger(time) ? String(time) : time.toFixed(3));

let history, partition, layout;
const timeline = new Timeline(byId('timeline'), byId('tip'));
timeline.describe = (op) => {
  const lines = ['client ' + history.lanes[op.lane] + ', called at ' + instant(op.call) + (op.ret === null ? ', never returned' : ', returned at ' + instant(op.ret))];
  if (op.place >= 0) {
    lines.push('placed as number ' + (op.place + 1) + ' of ' + partition.order.length);
    lines.push('state before: ' + stateBefore(op.place), 'state after: ' + partition.states[op.place]);
  } else lines.push(why(op));
  return [element('b', op.label), ...lines.map((line) => element('div', line))];
};

const stateBefore = (place) => (place === 0 ? partition.initial : partition.states[place - 1]);
const lastState = () => stateBefore(partition.order.length);

function why(op) {
  const at = partition.unplaced.indexOf(op.index);
  if (at >= 0) return partition.fitsAtEnd[at] ? 'would fit next, but whatever follows then, the red one still cannot be placed' : 'cannot come next: the state is ' + lastState();
  if (op.crashed) return 'not needed: what never returned may as well never have happened';
  return partition.verdict === 'ok' ? 'not placed' : 'called after the break: the search did not get here';
}

function tell() {
  const story = byId('story');
  story.className = partition.verdict;
  const of = partition.key === '' ? '' : ' of key ' + partition.key;
  const size = count(partition.operations.length, 'operation') + of;
  if (partition.verdict === 'ok') {
    story.replaceChildren(element('h2', 'Linearizable'), element('p', 'All that returned of ' + size + ' fit one order in which each takes effect at a single instant between its call and its return.'));
    return;
  }
  const reached = count(partition.order.length, 'operation');
  if (partition.blocked === null || partition.verdict === 'unknown') {
    story.replaceChildren(element('h2', 'Unknown'), element('p', 'The search through ' + size + ' was stopped before it knew. The longest order it had met places ' + reached + '. This is not a verdict of correctness.'));
    return;
  }
  const op = layout.byIndex.get(partition.blocked);
  const who = 'Client ' + history.lanes[op.lane];
  story.replaceChildren(element('h2', 'Not linearizable: no order explains this answer'), element('ol', steps(op, who)));
}

function steps(op, who) {
  const items = [element('li', [who + ' called at ' + instant(op.call) + ', returned at ' + instant(op.ret) + ', and its answer was ', code(op.label, true), '.'])];
  const { lastFit, order } = partition;
  if (lastFit < 0) items.push(element('li', ['In the longest order found (' + count(order.length, 'operation') + '), no state before the break could have given this answer.']));
  else if (lastFit < order.length) {
    const change = layout.byIndex.get(order[lastFit]);
    const told = ['That would have been right until client ' + history.lanes[change.lane] + ' did ', code(change.label), ', after which the state was ', code(partition.states[lastFit]), '.'];
    if (change.ret !== null && change.ret < op.call) told.push(' That one had returned at ' + instant(change.ret) + ', before this one was called at ' + instant(op.call) + ': the answer is stale.');
    items.push(element('li', told));
  }
  items.push(element('li', ['Every order of the operations before its return was tried. The longest leads to the state ', code(lastState()), ', and in none was this answer right at any instant between the call and the return.']));
  return items;
}

function showOrder() {
  const { order, unplaced, blocked } = partition;
  const first = Math.max(0, order.length - tableRows);
  const rows = order.slice(first).map((index, i) => row(first + i + 1, index, partition.states[first + i]));
  for (const index of [blocked, ...unplaced.filter((other) => other !== blocked)]) if (index !== null) rows.push(row('—', index, why(layout.byIndex.get(index))));
  const title = first === 0 ? 'The order' : 'The end of the order: the last ' + tableRows + ' of ' + count(order.length, 'operation');
  const head = element('tr', ['#', 'client', 'operation', 'state after'].map((name) => element('th', name)));
  byId('order').replaceChildren(element('h2', title), element('table', [head, ...rows]));
}

function row(place, index, state) {
  const op = layout.byIndex.get(index);
  const made = element('tr', [place, history.lanes[op.lane], op.label, state].map((text) => element('td', String(text))), { class: index === partition.blocked ? 'pick blocked' : 'pick' });
  made.onclick = () => { const length = timeline.to - timeline.from; const middle = timeline.axis((op.from + Math.min(op.to, layout.end)) / 2); timeline.lit = op; timeline.look(middle - length / 2, middle + length / 2); };
  return made;
}

function select(h, p) {
  history = histories[h];
  partition = history.partitions[p] ?? { key: '', verdict: history.verdict, operations: [], order: [], blocked: null, unplaced: [], initial: '', states: [], fitsAtEnd: [], lastFit: -1 };
  layout = layOut(history, partition);
  byId('title').textContent = history.title;
  document.title = history.title + ': ' + words[history.verdict];
  byId('verdict').textContent = words[history.verdict];
  byId('verdict').className = 'badge ' + history.verdict;
  byId('summary').textContent = count(history.operations.length, 'operation') + ' by ' + count(history.lanes.length, 'client') + ', checked against the model ' + history.model +
    ' in ' + history.elapsedMs.toLocaleString('en') + ' ms, ' + count(history.partitions.length, 'part') + ' judged apart.';
  for (const button of byId('partitions').querySelectorAll('button')) button.toggleAttribute('aria-current', button.dataset.at === h + '/' + p);
  byId('break').hidden = partition.blocked === null;
  tell();
  timeline.show(layout);
  showOrder();
}

byId('partitions').append(...histories.flatMap((one, h) => [
  element('h3', one.title),
  ...one.partitions.map((part, p) => {
    const button = element('button', [part.key === '' ? 'whole history' : 'key ' + part.key, ' ', element('small', String(part.operations.length))], { class: part.verdict, 'data-at': h + '/' + p });
    button.onclick = () => select(h, p);
    return button;
  }),
]));
byId('break').onclick = () => timeline.goToBreak();
byId('fit').onclick = () => timeline.fit();
byId('closer').onclick = () => timeline.zoom(0.6);
byId('farther').onclick = () => timeline.zoom(1 / 0.6);
byId('clock').onchange = (event) => { timeline.byClock = event.target.checked; timeline.goToBreak(); };
const worst = ['illegal', 'unknown', 'ok'].map((verdict) => histories.findIndex((one) => one.verdict === verdict)).find((at) => at >= 0);
select(worst ?? 0, 0);
`;
