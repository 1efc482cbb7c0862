// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What stands round the columns: facts, remarks, loops, memory, registers, launch, layouts, tuning.
'use strict';
const into = (id, html) => { $('#' + id).insertAdjacentHTML('beforeend', html); };
const bytes = n => n >= 1024 ? (n / 1024).toLocaleString('en-US', {maximumFractionDigits: 1}) + ' KiB' : n + ' B';
const percent = share => Math.round(share * 100) + ' %';
const scores = D.scores.filter(s => s.language === 'sass').length ? D.scores.filter(s => s.language === 'sass') : D.scores;
const score = scores[0] || {loops: []}, hot = score.loops[0];
const table = (head, rows) => `<div class="wide"><table><thead><tr>${head.map(h => `<th>${h}</th>`).join('')}</tr></thead><tbody>${
  rows.map(r => `<tr>${r.map(c => `<td>${c}</td>`).join('')}</tr>`).join('')}</tbody></table></div>`;

const settingsText = settings => Object.entries(settings).map(([name, value]) => `${esc(name)}=${esc(value)}`).join(' ');
const faultsText = of => `${settingsText(of.settings)} spills ${of.spilled_bytes} B${of.repairs ? `, and ${of.repairs} repairs` : ''}`;

function drawHeader() {
  const settings = Object.entries(D.settings).concat(Object.entries(D.hooks));
  const facts = [
    ['Registers a thread', D.registers === undefined ? '?' : D.registers, D.registers === undefined ? 'no ptxas found' : `of ${D.register_limit} at most`],
    ['Spilled', D.spilled_bytes === undefined ? '?' : D.spilled_bytes ? `<span class="bad">${D.spilled_bytes} B</span>` : '0 B',
      D.advice ? faultsText(D.advice) : D.replaced ? faultsText(D.replaced) : 'to local memory'],
    ['Shared memory', bytes(D.shared_bytes), `${D.buffers.length} buffer${D.buffers.length === 1 ? '' : 's'}`],
    ['CTA', `${D.warps} warp${D.warps === 1 ? '' : 's'}`, `${D.warps * 32} threads`],
  ];
  if (D.occupancy) facts.push(['Occupancy', percent(D.occupancy.warps / D.occupancy.most_warps),
    `${D.occupancy.ctas} CTA${D.occupancy.ctas === 1 ? '' : 's'} an SM, ${esc(D.device.name)}`]);
  if (hot) facts.push(['Hot loop', fmt(hot.instructions), `instructions a pass${score.language === 'ptx' ? ' (PTX)' : ''}`]);
  if (hot && hot.model) facts.push([hot.model.tensor_share > 0 ? 'Tensor pipe busy' : 'Issue slots used',
    percent(hot.model.tensor_share > 0 ? hot.model.tensor_share : hot.model.issue_share), 'by a model, not measured']);
  $('#top').innerHTML = `<h1>${esc(D.kernel)} <small>for ${esc(D.target)}</small></h1><ul class="chips">${settings.map(([name, value]) =>
    `<li><b>${esc(name)}</b>${esc(value)}</li>`).join('')}</ul><dl class="facts">${facts.map(([name, value, note]) =>
    `<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`).join('')}</dl>`;
  $('footer').innerHTML = `${esc(D.texts[0].name)} &middot; ${esc(D.version)}. Models are named where they stand; nothing on this page was measured`
    + `${D.tuning && !D.tuning.simulated ? ' but the tuning' : ''}.`;
}

function drawRemarks() {
  const notes = [...D.remarks].sort((a, b) => a.line - b.line).map(r => `<li>${lineLink(r.line) || '<span></span>'}<span>${esc(r.message)}</span></li>`)
    .concat(D.bank_conflicts.map(c => `<li>${lineLink(c.line)}<span>bank conflicts of ${esc(c.operation)}: ${c.wavefronts} wavefronts too many, ${c.in_loop ? 'in a loop' : 'once'}</span></li>`))
    .concat((D.repairs || []).map(r => `<li><span></span><span class="bad">${esc(r)}</span></li>`));
  into('remarks', notes.length ? `<ul class="remarks">${notes.join('')}</ul>` : '<p class="soft">Nothing to remark.</p>');
}

// --- Loops: ranges, pipes, timeline ---
function drawRanges() {
  if (!D.ranges.length) { into('loops', '<p class="soft">No loops.</p>'); return; }
  const variable = 'round';
  into('loops', '<p class="soft">The ranges that a loop of the text has become, in program order. grid.x, y and z are the instance\u2019s position in the grid, rounds count tiles.</p>' + table(
    ['Text', 'Range', 'In it'], D.ranges.map(r => [lineLink(r.line),
      `<code class="formula">${'&nbsp;'.repeat(4 * (r.depth - 1))}${variable} = ${esc(r.from)} .. ${esc(r.to)}${r.step === '1' ? '' : ' by ' + esc(r.step)}</code>`
      + (r.where.length ? `<br><code class="soft formula">${r.where.map(esc).join('\n')}</code>` : ''),
      r.tests ? 'positions are tested, an element each (a mask, or an end)' : 'no test of positions'])));
}
const PIPES = [['tensor', 'tensor'], ['function', 'function'], ['fma', 'float'], ['alu', 'integer'], ['shared', 'memory'], ['issue', 'control']];
function pipeFigure(loop, number) {
  const top = Math.max(...PIPES.map(([pipe]) => loop.least_cycles[pipe]), 1), width = 560, left = 66;
  const bars = PIPES.map(([pipe, group], i) => {
    const cycles = loop.least_cycles[pipe], w = cycles / top * (width - left - 70);
    return `<text x="${left - 8}" y="${i * 22 + 15}" text-anchor="end"${cycles === top ? ' class="strong"' : ''}>${pipe}</text>`
      + `<rect x="${left}" y="${i * 22 + 4}" width="${Math.max(w, .5).toFixed(1)}" height="14" rx="2" fill="var(--k-${group})"/>`
      + `<text x="${left + w + 6}" y="${i * 22 + 15}"${cycles === top ? ' class="strong"' : ''}>${fmt(cycles)}</text>`;
  }).join('');
  const flops = loop.per_mflop ? ` ${(loop.flops / 1e6).toFixed(3)} MFLOP of a warp, ${fmt(loop.per_mflop)} instructions a MFLOP.` : '';
  return `<figure><figcaption><b>Loop ${number + 1}</b>: least cycles that one pass of one warp keeps each pipe of its quarter of an SM busy, from counts and the`
    + ` hardware's rates. ${fmt(loop.instructions)} instructions${loop.whole !== loop.instructions ? ` of ${fmt(loop.whole)}, the rest for partial tiles` : ''}.${flops}</figcaption>`
    + `<svg viewBox="0 0 ${width} ${PIPES.length * 22 + 4}" role="img" aria-label="cycles of each pipe">${bars}</svg></figure>`;
}
const LANES = [['copy', 'memory', 'copies'], ['tensor', 'tensor', 'products'], ['function', 'function', 'exponentials'], ['fma', 'float', 'float'],
  ['alu', 'integer', 'integer'], ['shared', 'memory', 'shared, copies'], ['wait', 'sync', 'waits']];
const TIMELINE = {left: 172, width: 1180};
const isOf = (e, lane) => lane === 'wait' ? e[2].startsWith('wait') : e[2] === lane;
/// The lanes of a timeline from above: [role, lane, colour, label, y], for each role those in which something happens.
function lanesOf(line) {
  const lanes = [], row = 13, gap = 16;
  let y = 4;
  line.roles.forEach((_, role) => {
    const copies = line.roles[role] === 'copies';
    for (const [lane, group, label] of LANES) {
      const isEmpty = !line.events.some(e => e[0] === role && isOf(e, lane));
      if (isEmpty || (copies ? lane !== 'copy' && lane !== 'wait' : lane === 'copy')) continue;
      lanes.push([role, lane, group, label, y]);
      y += row;
    }
    y += gap;
  });
  return {lanes, height: y};
}
function timelineFigure(line, number) {
  const {left, width} = TIMELINE, row = 13, span = line.end - line.begin, hasRoles = line.roles.includes('copies');
  const x = cycle => left + (Math.min(Math.max(cycle, line.begin), line.end) - line.begin) / span * (width - left - 8);
  const {lanes, height} = lanesOf(line);
  let out = '';
  lanes.forEach(([role, lane, group, label, y], i) => {
    if (!i || lanes[i - 1][0] !== role) out += `<text x="0" y="${y + 11}" class="strong">${hasRoles ? esc(line.roles[role]) : 'warp ' + role}</text>`;
    const events = line.events.filter(e => e[0] === role && isOf(e, lane));
    const shapes = events.map(e => `M${x(e[3]).toFixed(1)} ${y + 1}H${Math.max(x(e[4]), x(e[3]) + .4).toFixed(1)}V${y + row - 2}H${x(e[3]).toFixed(1)}z`);
    // Copies overlap: each is a path of its own, so that where two are under way is darker.
    const paths = lane === 'copy' ? shapes : [shapes.join('')], opacity = {copy: .4, wait: .5}[lane] || 1;
    out += `<text x="${left - 8}" y="${y + row - 2}" text-anchor="end">${label}</text>`
      + `<line class="rule" x1="${left}" x2="${width - 8}" y1="${y + row}" y2="${y + row}"/>`
      + paths.map(path => `<path d="${path}" fill="var(--k-${group})" fill-opacity="${opacity}"/>`).join('');
  });
  const stepSize = [50, 100, 200, 250, 500, 1000, 2000, 5000, 10000].find(s => span / s <= 12) || 20000;
  for (let c = 0; c <= span; c += stepSize)
    out += `<text x="${x(line.begin + c)}" y="${height + 8}" text-anchor="middle">${fmt(c)}</text>`;
  const who = hasRoles ? `${line.warps === 1 ? 'warp that computes' : `${line.warps} warps that compute, one of each warpgroup`}, and of the one that copies, on a quarter of an SM`
    : line.warps === 1 ? 'warp that has a quarter of an SM to itself' : `${line.warps} warps that share a quarter of an SM`;
  const how = hasRoles ? `in-order issue of the machine code; products go on by themselves, in turn; a copy takes its turn on the way from the L2 cache and arrives after a latency.`
    : `in-order issue of the machine code, copies taken to have arrived.`;
  return `<figure data-timeline="${number}"><figcaption><b>Loop ${number + 1}, two passes of the ${who}, by a model</b>:`
    + ` ${how} Cycles along the bottom. Not a measurement. One pass takes ${fmt(line.cycles)} cycles in it.</figcaption>`
    + `<svg viewBox="0 0 ${width} ${height + 14}" role="img" aria-label="timeline of two passes">${out}</svg><div class="readout"></div></figure>`;
}
/// What runs under the pointer, and the line it came from.
function readTimelines() {
  const sass = columnOf('sass');
  const rowOf = new Map();
  if (sass) sass.instructions.forEach((n, r) => { if (n >= 0) rowOf.set(n, r); });
  document.querySelectorAll('[data-timeline]').forEach(figure => {
    const line = D.timelines[+figure.dataset.timeline], svg = $('svg', figure), readout = $('.readout', figure), {lanes} = lanesOf(line);
    const find = event => {
      const box = svg.getBoundingClientRect(), scale = TIMELINE.width / box.width;
      const px = (event.clientX - box.left) * scale, py = (event.clientY - box.top) * scale;
      const lane = lanes.find(l => py >= l[4] && py < l[4] + 13), cycle = line.begin + (px - TIMELINE.left) / (TIMELINE.width - TIMELINE.left - 8) * (line.end - line.begin);
      return lane && line.events.find(e => e[0] === lane[0] && isOf(e, lane[1]) && e[3] <= cycle && e[4] >= cycle);
    };
    svg.addEventListener('mousemove', event => {
      const found = find(event);
      if (!found) { readout.textContent = ''; return; }
      const r = rowOf.get(found[1]), at = r === undefined ? '' : sass.rows[r].line.replace(/^\s*\/\*\w+\*\/\s*/, '').replace(/ *;.*/, '');
      const place = r === undefined || !sass.keys[r].length ? '' : ', line ' + sass.keys[r][0].split(':')[1];
      readout.textContent = `${found[2].startsWith('wait') ? found[2] + ', before ' : ''}${at}${place}: cycles ${fmt(found[3] - line.begin)} to ${fmt(found[4] - line.begin)}`;
      if (r !== undefined) light(sass.keys[r]);
    });
    svg.addEventListener('mouseleave', () => light([]));
    svg.addEventListener('click', event => {
      const found = find(event), r = found && rowOf.get(found[1]);
      if (r === undefined) return;
      if (!sass.shown) $('[data-column=sass]').click();
      hold(sass, r), show(sass, r), $('#code').scrollIntoView();
    });
  });
}
function drawLoops() {
  drawRanges();
  if (!score.loops.length) return;
  into('loops', `<h3>What bounds a pass</h3><div class="pair">${score.loops.map(pipeFigure).join('')}</div>`);
  if (D.timelines.length) into('loops', `<h3>How a pass may go</h3>${D.timelines.map(timelineFigure).join('')}`);
  else into('loops', `<p class="soft">No timeline: ${score.language === 'ptx' ? 'it is modelled from machine code, which takes ptxas and nvdisasm' : `the model ${esc((score.loops.find(l => l.why_no_model) || {why_no_model: 'does not know this loop'}).why_no_model)}`}.</p>`);
  readTimelines();
}

/// Puts words where none are yet and none of `bars` is: at the first of some places, as [x of its left end, baseline].
function placer(bars, left, right, bottom) {
  const taken = [...bars];
  return (words, places) => {
    const w = words.length * 6.2;
    const free = ([x, y]) => x >= left && x + w <= right && y <= bottom
      && !taken.some(b => x < b[0] + b[2] && b[0] < x + w && y - 11 < b[1] + b[3] && b[1] < y + 3);
    const place = places(w).find(free);
    if (place) taken.push([place[0], place[1] - 11, w, 14]);
    return place;
  };
}

// --- Shared memory over the program's course ---
function drawMemory() {
  if (!D.buffers.length) { into('memory', '<p class="soft">None is used.</p>'); return; }
  const width = 1180, left = 74, height = Math.min(300, 60 + 46 * D.buffers.length), top = 22, ops = Math.max(1, D.operations);
  const x = p => left + p / ops * (width - left - 8), y = b => top + b / Math.max(1, D.shared_bytes) * height;
  const colours = ['tensor', 'memory', 'float', 'function', 'sync', 'integer'];
  const names = [...new Set(D.buffers.map(b => b.holds))];
  let out = '';
  const above = placer([], left, width, top);
  D.ranges.forEach(r => {
    if (r.depth > 1) return;
    const words = `loop of line ${r.line}`, place = above(words, w => [[x(r.first) + 4, top - 7], [Math.min(x(r.last), width) - w - 2, top - 7]]);
    out += `<rect class="band" x="${x(r.first)}" y="${top}" width="${x(r.last) - x(r.first)}" height="${height}"><title>${words}</title></rect>`
      + (place ? `<text x="${place[0]}" y="${place[1]}">${words}</text>` : '');
  });
  const shown = D.buffers.filter(b => b.uses.length).map(b => {
    let [first, last] = [Math.min(...b.uses.map(u => u[1])), Math.max(...b.uses.map(u => u[1]))];
    for (const r of D.ranges) // what a ring holds lives on from pass to pass
      if (b.slots > 1 && b.uses.some(u => u[1] > r.first && u[1] < r.last)) first = Math.min(first, r.first), last = Math.max(last, r.last);
    const label = `${b.holds || 'between threads'} ${b.rows}x${b.columns} ${b.type}${b.slots > 1 ? `, ${b.slots} slots` : ''}`;
    const w = Math.max(x(last) - x(first), 4), h = Math.max(y(b.offset + b.bytes) - y(b.offset), 4);
    return {b, label, left: x(first), top: y(b.offset), w, h, inside: label.length * 6.2 + 12 < w && h > 17};
  });
  const beside = placer(shown.filter(s => !s.inside).map(s => [s.left, s.top, s.w, s.h]), left, width, top + height + 26);
  for (const s of shown) if (s.inside) beside(s.label, () => [[s.left + 7, s.top + 15]]);
  for (const {b, label, left, top, w, h, inside} of shown) {
    const colour = `var(--k-${colours[names.indexOf(b.holds) % colours.length]})`;
    out += `<g><title>${esc(label)}: bytes ${b.offset} to ${b.offset + b.bytes}, ${b.span}-byte swizzle</title>`
      + `<rect x="${left}" y="${top + 1}" width="${w}" height="${h - 2}" rx="${Math.min(3, h / 4)}" fill="${colour}" fill-opacity=".22" stroke="${colour}"/>`;
    for (let s = 1; s < b.slots; ++s)
      out += `<line x1="${left}" x2="${left + w}" y1="${y(b.offset + s * b.bytes / b.slots)}" y2="${y(b.offset + s * b.bytes / b.slots)}" stroke="${colour}" stroke-dasharray="3 3" stroke-opacity=".6"/>`;
    for (const [kind, at] of b.uses) {
      const cx = x(at), cy = top + (h > 17 ? h - 9 : h / 2);
      out += kind === 'read' ? `<circle cx="${cx}" cy="${cy}" r="3.4" fill="none" stroke="${colour}" stroke-width="1.6"/>`
        : kind === 'arrival' ? `<path d="M${cx} ${cy - 4}V${cy + 4}" stroke="${colour}" stroke-width="2"/>`
        : `<circle cx="${cx}" cy="${cy}" r="3.4" fill="${colour}"/>`;
    }
    const place = inside ? [left + 7, top + 15]
      : beside(label, wide => [15, h / 2 + 4, h + 14, h + 27].flatMap(down => [[left + w + 7, top + down], [left - wide - 7, top + down], [left, top + down]]));
    if (place) out += `<text x="${place[0]}" y="${place[1]}" class="${inside ? 'strong' : 'out'}">${esc(label)}</text>`;
    out += '</g>';
  }
  for (let i = 0; i <= 4; ++i) {
    const b = D.shared_bytes * i / 4;
    out += `<text x="${left - 8}" y="${y(b) + 4}" text-anchor="end">${bytes(b)}</text><line class="rule" x1="${left - 4}" x2="${left}" y1="${y(b)}" y2="${y(b)}"/>`;
  }
  into('memory', `<figure data-memory><figcaption>Bytes downwards, operations of stage cta along the course; each buffer from its first use to its last.`
    + ` &#9679; written or a copy started, | a copy has arrived, &#9675; read. Buffers whose lives do not meet share bytes.</figcaption>`
    + `<svg viewBox="0 0 ${width} ${top + height + 28}" role="img" aria-label="shared memory over the course of the kernel">${out}</svg></figure>`);
}

// --- Registers live along the PTX ---
function drawRegisters() {
  const ptx = columnOf('ptx'), live = ptx.live;
  if (!live.length) return;
  const width = 1180, left = 44, height = 130, n = live.length;
  const limit = D.compute_registers || D.register_limit, top = Math.max(limit, ...live), x = i => left + i / n * (width - left - 8), y = v => 8 + (1 - v / top) * height;
  const bins = Math.min(n, 500), points = [];
  for (let b = 0; b < bins; ++b) {
    const from = Math.floor(b * n / bins), to = Math.max(from + 1, Math.floor((b + 1) * n / bins));
    points.push([x(from), y(Math.max(...live.slice(from, to)))], [x(to), y(Math.max(...live.slice(from, to)))]);
  }
  const area = `M${left} ${y(0)}` + points.map(p => `L${p[0].toFixed(1)} ${p[1].toFixed(1)}`).join('') + `L${x(n)} ${y(0)}z`;
  const level = (v, text, cls) => `<line class="${cls}" x1="${left}" x2="${width - 8}" y1="${y(v)}" y2="${y(v)}"/><text x="${width - 10}" y="${y(v) < 20 ? y(v) + 13 : y(v) - 4}" text-anchor="end">${text}</text>`;
  const byLine = new Map();
  ptx.keys.forEach((keysOfRow, r) => {
    const i = ptx.instructions[r];
    if (i >= 0) keysOfRow.forEach(k => byLine.set(k, Math.max(byLine.get(k) || 0, live[i])));
  });
  const worst = [...byLine].sort((a, b) => b[1] - a[1]).filter(([k]) => k.startsWith('0:')).slice(0, 6);
  into('registers', `<figure data-registers><figcaption>32-bit registers live at each PTX instruction, in program order. The assembler orders anew and recomputes: this is an`
    + ` upper bound of what it needs${D.registers === undefined ? '' : `; it took ${D.registers}`}. Most are live at ${worst.map(([k, v]) => `${lineLink(+k.split(':')[1])} (${v})`).join(', ')}.</figcaption>`
    + `<svg viewBox="0 0 ${width} ${height + 28}" role="img" aria-label="registers live along the PTX">`
    + [0, 64, 128, 192, 255].filter(v => v <= top).map(v => `<text x="${left - 7}" y="${y(v) + 4}" text-anchor="end">${v}</text><line class="rule" x1="${left}" x2="${width - 8}" y1="${y(v)}" y2="${y(v)}"/>`).join('')
    + `<path class="area" d="${area}"/>` + level(limit, D.compute_registers ? `a thread that computes has ${limit}` : `a thread has ${limit}`, 'limit')
    + `<text x="${left}" y="${height + 24}">PTX instruction 0</text><text x="${width - 8}" y="${height + 24}" text-anchor="end">${fmt(n)}</text></svg><div class="readout"></div></figure>`);
  const figure = $('[data-registers]'), svg = $('svg', figure), rowOf = [];
  ptx.instructions.forEach((i, r) => { if (i >= 0) rowOf[i] = r; });
  const at = event => {
    const box = svg.getBoundingClientRect(), px = (event.clientX - box.left) * width / box.width;
    return Math.min(n - 1, Math.max(0, Math.floor((px - left) / (width - left - 8) * n)));
  };
  svg.addEventListener('mousemove', event => {
    const i = at(event), r = rowOf[i];
    $('.readout', figure).textContent = r === undefined ? '' : `${live[i]} live at ${ptx.rows[r].line.trim()}`;
    if (r !== undefined) light(ptx.keys[r]);
  });
  svg.addEventListener('mouseleave', () => light([]));
  svg.addEventListener('click', event => {
    const r = rowOf[at(event)];
    if (!ptx.shown) $('[data-column=ptx]').click();
    if (r !== undefined) hold(ptx, r), show(ptx, r), $('#code').scrollIntoView();
  });
}

function drawLaunch() {
  const rows = [['Grid', `<code>(${D.grid.map(esc).join(', ')})</code>${D.instances ? `: ${fmt(D.instances)} CTAs` : ''}`],
    ['CTA', `${D.warps} warps, ${D.warps * 32} threads`], ['Shared memory', `${bytes(D.shared_bytes)} dynamic`],
    ['Registers', D.registers === undefined ? `at most ${D.register_limit} a thread` : `${D.registers} a thread, ${fmt(D.registers * D.warps * 32)} a CTA`]];
  if (D.occupancy) {
    const o = D.occupancy, least = Math.min(o.by_warps, o.by_registers, o.by_shared);
    const limits = [['warps', o.by_warps], ['registers', o.by_registers], ['shared memory', o.by_shared]];
    rows.push(['Device', `${esc(D.device.name)}, ${D.device.multiprocessors} SMs`],
      ['Occupancy', `<span class="meter"><i style="width:${100 * o.warps / o.most_warps}%"></i></span>${o.ctas} CTA${o.ctas === 1 ? '' : 's'} an SM: ${o.warps} of ${o.most_warps} warps`],
      ['Held back by', limits.filter(l => l[1] === least).map(l => l[0]).join(' and ') + '; ' + limits.map(([name, n]) => `${name} would allow ${n}`).join(', ')]);
    if (D.instances) rows.push(['Rounds', `${fmt(Math.ceil(D.instances / (o.ctas * D.device.multiprocessors)))} of ${fmt(o.ctas * D.device.multiprocessors)} CTAs at once`]);
  }
  into('launch', `<table>${rows.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${value}</td></tr>`).join('')}</table>`);
}
function drawLayouts() {
  if (!D.layouts.length) { into('layouts', '<p class="soft">None: nothing is read, multiplied or reduced as a tile.</p>'); return; }
  into('layouts', '<p class="soft">How results are spread: which bits of a register\u2019s, lane\u2019s and warp\u2019s number move along which dimension. <code>imbrex layout</code> draws them.</p>' + table(
    ['Operation', 'Tile', 'Layout'], D.layouts.map(l => [`<code>${esc(l.operation)}</code>`, `<code>${l.shape.join(' x ')} ${esc(l.type)}</code>`, `<code class="formula">${esc(l.layout)}</code>`])));
}
function drawTuning() {
  const tuning = D.tuning;
  if (!tuning) { $('#tuning').remove(); return; }
  const measured = tuning.candidates.map((c, i) => ({...c, i})).filter(c => c.ratio > 0).sort((a, b) => a.ratio - b.ratio).slice(0, 24);
  const name = c => Object.entries(c.tuning).map(([k, v]) => `${k}=${v}`).join(' ');
  const top = Math.max(1, ...measured.map(c => c.ratio)), width = 980, left = 330;
  const bars = measured.map((c, i) => `<text x="${left - 8}" y="${i * 20 + 14}" text-anchor="end"${c.i === tuning.best ? ' class="strong"' : ''}>${esc(name(c))}${c.i === 0 ? ' (untuned)' : ''}</text>`
    + `<rect x="${left}" y="${i * 20 + 4}" width="${c.ratio / top * (width - left - 60)}" height="12" rx="2" fill="var(--k-${c.i === tuning.best ? 'tensor' : 'integer'})"/>`
    + `<text x="${left + c.ratio / top * (width - left - 60) + 6}" y="${i * 20 + 14}">${c.ratio.toFixed(3)}</text>`).join('');
  into('tuning', `<figure><figcaption>${esc(tuning.device)}, ${esc(tuning.key)}: time over that of the kernel untuned, ${tuning.simulated ? 'by a model, not measured' : 'measured'}; the`
    + ` best ${measured.length} of ${tuning.candidates.length}.</figcaption><svg viewBox="0 0 ${width} ${measured.length * 20 + 6}" role="img" aria-label="candidates by time">${bars}</svg></figure>`);
}

/// What differs from the kernel of --against: figures, then lines of the text by their instructions.
function drawAgainst() {
  const against = D.against;
  if (!against) { $('#against').remove(); return; }
  const cells = ({name, here, other, less}) => {
    const differ = typeof here === 'number' && typeof other === 'number' ? here - other : 0;
    const cls = less === undefined || !differ ? '' : (differ < 0) === less ? ' less' : ' more';
    const shown = v => v === null || v === undefined ? '–' : typeof v === 'number' ? fmt(v) : esc(v);
    return `<tr><th scope="row">${esc(name)}</th><td class="n">${shown(other)}</td><td class="n">${shown(here)}</td><td class="n${cls}">${differ ? (differ > 0 ? '+' : '−') + fmt(Math.abs(differ)) : ''}</td></tr>`;
  };
  const head = '<thead><tr><th></th><th class="n">other</th><th class="n">here</th><th class="n">change</th></tr></thead>';
  let html = `<p class="soft">The other: <b>${esc(against.other)}</b>. In the columns above, lines that only this kernel has are green, those that only the other has are struck through;`
    + ` names of values, registers and addresses do not count. <kbd>n</kbd> goes to the next change.</p><div class="pair"><div class="wide"><table>${head}<tbody>${against.facts.map(cells).join('')}</tbody></table></div><div>`;
  html += `<div class="wide"><table><thead><tr><th>Column</th><th class="n">only other</th><th class="n">only here</th><th class="n">same</th></tr></thead><tbody>${against.columns.map(c =>
    c.more_than ? `<tr><th scope="row">${esc(c.stage)}</th><td colspan="3">more than ${fmt(c.more_than)} lines</td></tr>` : `<tr><th scope="row">${esc(c.stage)}</th><td class="n">${fmt(c.removed)}</td><td class="n">${fmt(c.added)}</td><td class="n">${fmt(c.same)}</td></tr>`).join('')}</tbody></table></div>`;
  if (against.lines.length) html += `<h3>Instructions by line of the text</h3><div class="wide"><table>${head}<tbody>${against.lines.map(l =>
    cells({name: l.line, here: l.here, other: l.other, less: true}).replace(`>${esc(l.line)}<`, `>${lineLink(l.line)} <span class="soft">${esc(l.changes)}</span><`)).join('')}</tbody></table></div>`;
  into('against', html + '</div></div>');
}

drawHeader();
toolbar();
layOut();
drawAgainst(), drawRemarks(), drawLoops(), drawMemory(), drawRegisters(), drawLaunch(), drawLayouts(), drawTuning();
$('nav').innerHTML = [...document.querySelectorAll('main > section')].map(s => `<a href="#${s.id}">${$('h2', s).textContent}</a>`).join('');
beginAtKernel();
addEventListener('resize', () => columns.forEach(strip));
