// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The columns: rows with places, what lights up together, search, keys. Figures are drawn by page.figures.js.
'use strict';
const D = JSON.parse(document.getElementById('data').textContent);
const $ = (selector, root = document) => root.querySelector(selector);
const esc = text => String(text).replace(/[&<>"]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);
const fmt = n => Math.round(n).toLocaleString('en-US').replace(/,/g, '\u202f');

// --- Kinds of instructions, in a few groups of one colour each ---
const GROUPS = [['tensor', 'matrix products', ['tensor']], ['memory', 'memory', ['ldmatrix', 'shared', 'global', 'copy']],
  ['function', 'exponentials and the like', ['function']],
  ['float', 'float arithmetic', ['mul', 'fma', 'add', 'max/min', 'convert', 'select', 'shuffle']],
  ['integer', 'integers, moves', ['integer', 'integer64', 'move']], ['sync', 'barriers, waits', ['sync']],
  ['control', 'branches, other', ['branch', 'other']], ['local', 'spills', ['local']]];
const groupOf = {};
GROUPS.forEach(([id, , kinds]) => kinds.forEach(kind => { groupOf[D.kind_names.indexOf(kind)] = id; }));

// --- Columns ---
const wordClass = new Map();
for (const [list, cls] of [['keyword', 'w'], ['contextual', 'w'], ['type', 'y'], ['number', 'd'], ['builtin', 'f']])
  for (const word of D.words[list]) if (!wordClass.has(word)) wordClass.set(word, cls);
const span = (cls, text) => `<span class="${cls}">${esc(text)}</span>`;
const paint = {
  text: line => line.replace(/(\/\/.*)|("[^"]*")|([A-Za-z_]\w*)|(\d[\w.]*)|([^A-Za-z_\d"/]+|[/"])/g, (all, comment, string, word, number) =>
    comment ? span('q', comment) : string ? span('d', string) : word ? (wordClass.has(word) ? span(wordClass.get(word), word) : esc(word))
      : number ? span('d', number) : esc(all)),
  mlir: line => line.replace(/(\b(?:tile|cta|arith|math|scf|func|llvm|nvvm)\.[\w.]+)|(%[\w#]+)|(: .*$)|([^%:a-z]+|[a-z]+|.)/g,
    (all, op, value, type) => op ? span('o', op) : value ? span('f', value) : type ? span('q', type) : esc(all)),
  ptx: line => /^\s*(\.|\/\/|\$)/.test(line) ? span('q', line)
    : line.replace(/^(\s*)(@!?%?\w+\s+)?([\w.:]+)(.*)$/, (all, blank, predicate, op, rest) => {
      const [base, ...more] = op.split('.');
      return blank + (predicate ? span('d', predicate) : '') + span('o', base) + span('q', more.length ? '.' + more.join('.') : '') + esc(rest);
    }),
  sass: line => line.replace(/^(\s*)(\/\*\w+\*\/\s*)?(@!?U?P\w+\s+)?([A-Z][\w.]*)?(.*)$/, (all, blank, address, predicate, op, rest) => {
    if (!address) return span('q', line);
    const [base, ...more] = (op || '').split('.');
    return span('q', address.replace(/\s+$/, '').slice(2, -2) + ' ') + (predicate ? span('d', predicate.trim() + ' ') : '')
      + span('o', base) + span('q', more.length ? '.' + more.join('.') : '') + esc(rest.replace(/ *;.*$/, ''));
  }),
};
const key = place => place[0] + ':' + place[1];

function textColumn() {
  const column = {id: 'text', title: 'Text', rows: [], keys: [], index: new Map(), shown: true};
  D.texts.forEach((text, t) => {
    if (text.text === undefined) return;
    const lines = text.text.replace(/\n$/, '').split('\n');
    column.rows.push({name: text.name}), column.keys.push([]);
    lines.forEach((line, i) => {
      column.index.set(t + ':' + (i + 1), [column.rows.length]);
      column.keys.push([t + ':' + (i + 1)]);
      column.rows.push({number: i + 1, line, text: t});
    });
  });
  return column;
}
function stageColumn(data) {
  const column = {...data, id: data.stage, rows: [], keys: [], index: new Map(), shown: false};
  const stageKeys = D.places.map(entry => entry.map(key)), rowKinds = [], rowNumbers = [];
  const gone = new Map(data.gone || []), fresh = new Set(data.fresh || []);
  data.text.split('\n').forEach((line, i) => {
    (gone.get(i) || []).forEach(old => { column.keys.push([]), column.rows.push({line: old, mark: 'gone'}), rowKinds.push(-1), rowNumbers.push(-1); });
    const row = column.rows.length;
    rowKinds.push(data.kinds ? data.kinds[i] : -1), rowNumbers.push(data.instructions ? data.instructions[i] : -1);
    const keys = stageKeys[data.places[i] || 0];
    keys.forEach(k => { if (!column.index.has(k)) column.index.set(k, []); column.index.get(k).push(row); });
    column.keys.push(keys), column.rows.push({number: i + 1, line, mark: fresh.has(i) ? 'fresh' : ''});
  });
  if (data.kinds) column.kinds = rowKinds, column.instructions = rowNumbers;
  return column;
}
const columns = [textColumn(), ...D.columns.map(stageColumn)];
const columnOf = id => columns.find(c => c.id === id);
const code = columnOf('sass') || columnOf('ptx'); // whose instructions are counted beside the text
code.shown = true;
if (columnOf('sass') && innerWidth > 1500) columnOf('ptx').shown = true;
if (!columnOf('sass')) columnOf('cta').shown = innerWidth > 1500;

// Instructions of `column` by the place they came from: counts[key] = {kind: number}.
function countKinds(column) {
  const counts = new Map();
  column.keys.forEach((keys, row) => {
    const kind = column.kinds[row];
    if (kind >= 0) keys.forEach(k => {
      if (!counts.has(k)) counts.set(k, {});
      counts.get(k)[kind] = (counts.get(k)[kind] || 0) + 1;
    });
  });
  return counts;
}
columns.forEach(c => { if (c.kinds) c.counts = countKinds(c); });
const totalOf = counts => Object.values(counts || {}).reduce((a, b) => a + b, 0);
const most = Math.max(1, ...[...code.counts.values()].map(totalOf));
function bar(k) {
  const counts = code.counts.get(k);
  if (!counts) return '<u></u>';
  const groups = {};
  for (const kind in counts) groups[groupOf[kind]] = (groups[groupOf[kind]] || 0) + counts[kind];
  const total = totalOf(counts), width = 38 * Math.sqrt(total / most);
  const parts = GROUPS.filter(([id]) => groups[id]).map(([id]) =>
    `<s style="width:${(width * groups[id] / total).toFixed(1)}px;background:var(--k-${id})"></s>`).join('');
  return `<u title="${esc(kindsText(counts))}">${parts}<small>${total}</small></u>`;
}
const kindsText = counts => Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([kind, n]) => `${n} ${D.kind_names[kind]}`).join(', ');

const remarksAt = new Map();
for (const remark of D.remarks) {
  const k = '0:' + remark.line;
  if (!remarksAt.has(k)) remarksAt.set(k, []);
  remarksAt.get(k).push(remark.message);
}

function rowHtml(column, row, r) {
  if (row.name !== undefined) return `<div class="name">${esc(row.name)}</div>`;
  const isText = column.id === 'text', kinds = column.kinds;
  const painter = isText ? paint.text : paint[column.id] || paint.mlir;
  const k = isText && column.keys[r][0];
  const edge = kinds ? `<em${kinds[r] >= 0 ? ` style="background:var(--k-${groupOf[kinds[r]]})"` : ''}></em>` : '';
  const notes = isText ? (remarksAt.get(k) || []).map(note => `<div class="note">${esc(note)}</div>`).join('') : '';
  return `<div class="l${column.keys[r].length ? ' from' : ''}${row.mark ? ' ' + row.mark : ''}" data-r="${r}"><i>${row.number || '−'}</i>${isText ? bar(k) : edge}`
    + `<span>${painter(row.line) || ' '}</span></div>${notes}`;
}
function draw(column) {
  if (column.box) return;
  const box = column.box = document.createElement('div');
  box.className = 'col ' + column.id;
  box.innerHTML = `<header><b>${esc(column.title)}</b><span></span><button type="button" title="previous place (p)" aria-label="previous place">‹</button>`
    + `<button type="button" title="next place (n)" aria-label="next place">›</button></header>`
    + `<div class="body"><div class="lines" tabindex="0" role="group" aria-label="${esc(column.title)}"></div><canvas class="map" width="9"></canvas></div>`;
  const size = 120, html = [];
  for (let begin = 0; begin < column.rows.length; begin += size) {
    const part = column.rows.slice(begin, begin + size);
    html.push(`<div class="chunk" style="contain-intrinsic-size:auto ${part.length * 18.4}px">`,
      ...part.map((row, i) => rowHtml(column, row, begin + i)), '</div>');
  }
  column.lines = $('.lines', box), column.lines.innerHTML = html.join('');
  column.elements = [];
  column.lines.querySelectorAll('.l').forEach(el => { column.elements[+el.dataset.r] = el; });
  const [back, on] = box.querySelectorAll('button');
  back.onclick = () => step(column, -1), on.onclick = () => step(column, 1);
  $('canvas', box).onclick = event => {
    const share = event.offsetY / event.target.clientHeight;
    column.lines.scrollTop = share * column.lines.scrollHeight - column.lines.clientHeight / 2;
  };
  column.lines.addEventListener('mouseover', event => { const r = rowAt(event); if (r >= 0) light(column.keys[r]); });
  column.lines.addEventListener('mouseleave', () => light([]));
  column.lines.addEventListener('click', event => { const r = rowAt(event); if (r >= 0) hold(column, r); });
  column.lines.addEventListener('keydown', event => keys(column, event));
}
const rowAt = event => { const el = event.target.closest('.l'); return el ? +el.dataset.r : -1; };

// --- What lights up ---
let litKeys = [], held = [];
function mark(cls, keyList) {
  for (const column of columns) {
    if (!column.elements) continue;
    const lists = column[cls] || [];
    lists.forEach(r => column.elements[r] && column.elements[r].classList.remove(cls));
    const rows = new Set();
    keyList.forEach(k => (column.index.get(k) || []).forEach(r => rows.add(r)));
    column[cls] = [...rows].sort((a, b) => a - b);
    column[cls].forEach(r => column.elements[r] && column.elements[r].classList.add(cls));
  }
}
function light(keyList) {
  if (keyList.join() === litKeys.join()) return;
  litKeys = keyList;
  mark('lit', keyList);
  columns.forEach(strip);
  tell(keyList.length ? keyList : held);
}
function hold(column, row) {
  held = column.keys[row];
  mark('pin', held);
  column.at = row;
  for (const other of columns) if (other !== column && other.elements && other.shown) toDensest(other);
  columns.forEach(strip);
  tell(held);
}
function release() { held = []; mark('pin', []); columns.forEach(strip); tell([]); }
function show(column, row) {
  const el = column.elements[row];
  if (!el) return;
  const lines = column.lines, top = el.getBoundingClientRect().top - lines.getBoundingClientRect().top + lines.scrollTop;
  lines.scrollTop = top - lines.clientHeight / 3;
  // Chunks that were not laid out yet had a guessed height.
  requestAnimationFrame(() => {
    const offset = el.getBoundingClientRect().top - lines.getBoundingClientRect().top;
    lines.scrollTop += offset - lines.clientHeight / 3;
  });
}
/// The place with most of the held rows in the 40 rows behind it.
function toDensest(column) {
  const rows = column.pin || [];
  if (!rows.length) return;
  let best = 0, mostRows = 0;
  for (let i = 0, j = 0; i < rows.length; ++i) {
    while (j < rows.length && rows[j] < rows[i] + 40) ++j;
    if (j - i > mostRows) mostRows = j - i, best = i;
  }
  show(column, rows[best]);
  column.at = rows[best];
}
/// To the next run of held (or found) rows.
function step(column, direction) {
  const changed = D.against && column.rows.map((row, r) => row.mark ? r : -1).filter(r => r >= 0);
  const rows = query ? column.hit || [] : column.pin && column.pin.length ? column.pin : changed || [];
  const starts = rows.filter((r, i) => i === 0 || r > rows[i - 1] + 1);
  if (!starts.length) return;
  const at = column.at === undefined ? -1 : column.at;
  const next = direction > 0 ? starts.find(r => r > at) : starts.filter(r => r < at).pop();
  column.at = next === undefined ? (direction > 0 ? starts[0] : starts[starts.length - 1]) : next;
  show(column, column.at);
  cursor(column, column.at);
}
function cursor(column, row) {
  document.querySelectorAll('.l.at').forEach(el => el.classList.remove('at'));
  if (column.elements[row]) column.elements[row].classList.add('at');
}
/// Where in the column the rows lie, and how many.
function strip(column) {
  if (!column.elements || !column.shown) return;
  const canvas = $('canvas', column.box), context = canvas.getContext('2d'), height = canvas.clientHeight;
  if (!height) return;
  canvas.height = height;
  const style = getComputedStyle(document.documentElement), total = column.rows.length;
  const paintRows = (rows, colour) => {
    context.fillStyle = colour;
    (rows || []).forEach(r => context.fillRect(0, r / total * height, 9, Math.max(1.5, height / total)));
  };
  if (D.against) column.rows.forEach((row, r) => { if (row.mark) paintRows([r], style.getPropertyValue(row.mark === 'gone' ? '--bad' : '--good')); });
  paintRows(column.hit, style.getPropertyValue('--accent'));
  paintRows(column.pin, style.getPropertyValue('--k-function'));
  paintRows(column.lit, style.getPropertyValue('--k-function'));
  const rows = query ? column.hit : column.lit && column.lit.length ? column.lit : column.pin;
  $('header span', column.box).textContent = rows && rows.length ? `${rows.length} of ${total}${query ? ' found' : ''}` : `${column.rows.filter(row => row.number).length} lines`;
}
function tell(keyList) {
  const status = $('.status');
  if (!keyList.length) { status.innerHTML = ''; return; }
  const names = keyList.slice(0, 4).map(k => { const [t, l] = k.split(':'); return (D.texts[t].name.split('/').pop()) + ':' + l; });
  let html = `<b>${esc(names.join(', '))}${keyList.length > 4 ? ' …' : ''}</b>`;
  for (const column of columns) {
    if (!column.counts) continue;
    const sum = {};
    keyList.forEach(k => { const c = column.counts.get(k) || {}; for (const kind in c) sum[kind] = (sum[kind] || 0) + c[kind]; });
    if (!totalOf(sum)) continue;
    html += `<span>${column.title} ${totalOf(sum)}:</span>` + Object.entries(sum).sort((a, b) => b[1] - a[1]).map(([kind, n]) =>
      `<span><i style="background:var(--k-${groupOf[kind]})"></i>${n} ${esc(D.kind_names[kind])}</span>`).join('');
  }
  const ptx = columnOf('ptx');
  let live = 0;
  keyList.forEach(k => (ptx.index.get(k) || []).forEach(r => { const n = ptx.instructions[r]; if (n >= 0) live = Math.max(live, ptx.live[n]); }));
  if (live) html += `<span>at most ${live} registers live</span>`;
  status.innerHTML = html;
}

// --- Keys and search ---
function keys(column, event) {
  const moves = {ArrowDown: 1, ArrowUp: -1, PageDown: 30, PageUp: -30};
  if (event.key in moves && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const last = column.rows.length - 1, toward = Math.sign(moves[event.key]);
    let row = Math.min(last, Math.max(0, (column.at === undefined ? -1 : column.at) + moves[event.key]));
    while (!column.elements[row] && row + toward >= 0 && row + toward <= last) row += toward; // a name, no line
    if (!column.elements[row]) return;
    column.at = row;
    column.elements[row].scrollIntoView({block: 'nearest'});
    cursor(column, row), light(column.keys[row]);
  } else if (event.key === 'Enter' && column.at !== undefined) {
    hold(column, column.at);
  } else if (event.key === 'n' || event.key === 'p') {
    step(column, event.key === 'n' ? 1 : -1);
  }
}
let query = '';
function search(text) {
  query = text.trim().toLowerCase();
  for (const column of columns) {
    if (!column.elements) continue;
    (column.hit || []).forEach(r => column.elements[r].classList.remove('hit'));
    column.hit = [];
    if (query) column.rows.forEach((row, r) => { if (row.line && row.line.toLowerCase().includes(query)) column.hit.push(r); });
    column.hit.forEach(r => column.elements[r].classList.add('hit'));
    if (column.shown && column.hit.length) column.at = undefined, step(column, 1);
    strip(column);
  }
}
function layOut() {
  const place = $('.cols');
  place.style.setProperty('--tracks', columns.filter(c => c.shown).map(c => c.id === 'text' ? 'minmax(0, 1.45fr)' : 'minmax(0, 1fr)').join(' '));
  for (const column of columns) {
    if (!column.shown) { if (column.box) column.box.remove(); continue; }
    draw(column);
    place.append(column.box);
  }
  const longest = Math.max(...columns.filter(c => c.shown).map(c => c.rows.length + (c.id === 'text' ? D.remarks.length : 0)), 8);
  place.style.maxHeight = innerWidth > 960 ? (longest * 18.6 + 60) + 'px' : '';
  mark('pin', held);
  if (query) search(query);
  columns.forEach(strip);
}
function toolbar() {
  const box = $('.tools');
  for (const column of columns) {
    const button = document.createElement('button');
    button.type = 'button', button.textContent = column.title, button.dataset.column = column.id;
    button.setAttribute('aria-pressed', column.shown);
    button.onclick = () => {
      column.shown = !column.shown;
      button.setAttribute('aria-pressed', column.shown);
      layOut();
      if (column.shown && held.length) toDensest(column);
    };
    box.append(button);
  }
  const input = document.createElement('input');
  input.type = 'search', input.placeholder = 'Search every column', input.setAttribute('aria-label', 'Search every column');
  let timer = 0;
  input.oninput = () => { clearTimeout(timer); timer = setTimeout(() => search(input.value), 120); };
  input.onkeydown = event => {
    if (event.key === 'Enter') columns.forEach(c => c.shown && step(c, event.shiftKey ? -1 : 1));
  };
  box.append(input);
  addEventListener('keydown', event => {
    if (event.key === '/' && document.activeElement !== input) event.preventDefault(), input.focus();
    if (event.key === 'Escape') { input.value = '', search(''), release(), light([]); }
  });
  $('#kinds').innerHTML = `<span>Beside the text: instructions of ${code.id === 'sass' ? 'the machine code' : 'the PTX'} that a line became.</span>`
    + GROUPS.map(([id, name, kinds]) => kinds.some(kind => [...code.counts.values()].some(c => c[D.kind_names.indexOf(kind)]))
      ? `<span><i style="background:var(--k-${id})"></i>${name}</span>` : '').join('');
}
/// Where each column is worth looking at first: the kernel, its first instruction.
function beginAtKernel() {
  const text = columns[0], head = new RegExp('^\\s*kernel\\s+' + D.kernel + '\\b');
  const first = text.rows.findIndex(row => row.text === 0 && head.test(row.line));
  if (first > 8 && text.shown) show(text, first);
  for (const column of columns)
    if (column.kinds && column.shown) show(column, Math.max(0, column.kinds.findIndex(kind => kind >= 0)));
}
/// Goes to a line of the kernel's text from anywhere on the page.
function goToLine(line) {
  const column = columns[0], rows = column.index.get('0:' + line);
  if (!rows) return;
  if (!column.shown) $('[data-column=text]').click();
  hold(column, rows[0]), show(column, rows[0]), cursor(column, rows[0]);
}
const lineLink = line => line ? `<a href="#code" data-line="${line}">line ${line}</a>` : '';
addEventListener('click', event => { const a = event.target.closest('[data-line]'); if (a) goToLine(+a.dataset.line); });
