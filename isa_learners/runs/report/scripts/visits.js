// --- visit counts ---

function cellsOf(dim) {
  if (!dim.codes) dim.codes = Uint8Array.from(atob(dim.cells), (character) => character.charCodeAt(0));
  return dim.codes;
}

function cellName(dim, code) {
  return dim.values ? number(dim.values[code]) : `${number(dim.edges[code])} to ${number(dim.edges[code + 1])}`;
}

// Return the visits of every cell that the sampled states represent, in one phase or (-1) in all phases.
function visitCounts(visits, x, y, phase) {
  const at = cellsOf(visits.dims[x]), against = cellsOf(visits.dims[y]), counts = new Map();
  let next = 0;
  visits.phases.forEach((one, p) => {
    const begins = next;
    next += one.shown;
    if (phase !== -1 && phase !== p) return;
    for (let i = begins; i < next; i++) {
      const cell = at[i] * 256 + against[i];
      counts.set(cell, (counts.get(cell) || 0) + one.seen / one.shown);
    }
  });
  return [...counts].map(([cell, count]) => ({ x: Math.floor(cell / 256), y: cell % 256, count }));
}

function cellChannel(dims, letter) {
  const dim = dims[letter];
  if (dim.values) {
    const sort = dim.values.map(number);
    if (letter === "y") sort.reverse();
    return { [letter]: { field: letter, type: "nominal", title: dim.name, scale: { domain: sort }, axis: { labelOverlap: true, labelAngle: 0, ticks: false } } };
  }
  const scale = { domain: [dim.edges[0], dim.edges[dim.edges.length - 1]], nice: false, zero: false };
  return { [letter]: { field: letter, type: "quantitative", title: dim.name, scale }, [`${letter}2`]: { field: `${letter}2` } };
}

function placed(dims, letter, code) {
  const dim = dims[letter], told = { [`${letter}name`]: cellName(dim, code) };
  return dim.values ? { ...told, [letter]: number(dim.values[code]) } : { ...told, [letter]: dim.edges[code], [`${letter}2`]: dim.edges[code + 1] };
}

function heatMap(dims, cells, width) {
  const values = cells.map((cell) => ({ ...placed(dims, "x", cell.x), ...placed(dims, "y", cell.y), count: cell.count }));
  const counts = cells.map((cell) => cell.count), domain = [Math.min(...counts), Math.max(...counts)];
  if (domain[0] === domain[1]) domain[1] = 2 * domain[0];
  return {
    $schema: schema, data: { values }, width, height: width, autosize: { type: "pad" }, mark: { type: "rect" },
    encoding: {
      ...cellChannel(dims, "x"), ...cellChannel(dims, "y"),
      color: { field: "count", type: "quantitative", title: "visits", scale: { type: "log", scheme: "viridis", domain, nice: false }, legend: { orient: "right", format: ".2~s", tickCount: 4 } },
      tooltip: [{ field: "xname", title: dims.x.name }, { field: "yname", title: dims.y.name }, { field: "count", title: "visits", format: ",.0f" }],
    },
  };
}

function bars(dim, cells, width) {
  const values = cells.map((cell) => ({ ...placed({ x: dim }, "x", cell.x), count: cell.count }));
  return {
    $schema: schema, data: { values }, width, height: width / 2, autosize: { type: "pad" }, mark: { type: "bar", color: (isDark() ? brighter : colours)[0] },
    encoding: {
      ...cellChannel({ x: dim }, "x"), y: { field: "count", type: "quantitative", title: "visits", axis: { format: "~s" } },
      tooltip: [{ field: "xname", title: dim.name }, { field: "count", title: "visits", format: ",.0f" }],
    },
  };
}

function showVisits(parent, visits, name) {
  make("h3", parent, "Visited states");
  if (!visits) {
    make("p", parent, "The checkpoint of this run has no visited states: it was written by an older version, or does not exist yet.", { class: "soft" });
    return;
  }
  const told = visits.phases.map((one) => (one.seen === one.shown ? `${one.name}: all ${whole(one.seen)}` : `${one.name}: ${whole(one.shown)} out of ${whole(one.seen)}, drawn uniformly`));
  make("p", parent, `How often training visited each cell, in any two dimensions of the state; choose the same dimension twice for bars. States shown: ${told.join("; ")}. `
    + "Counts are scaled to all visits; colours are logarithmic, and blank cells occur in none of these states.", { class: "soft" });
  const holder = make("p", parent, null, { class: "choices" }), options = visits.dims.map((dim, k) => [k, dim.name]);
  const selects = [0, 1].map((which) => choice(holder, which ? " against " : "visits of ", `dimension of visits, ${which ? "upwards" : "to the right"}`, `${name} visits ${which}`, options, visits.first[which] ?? visits.first[0]));
  if (visits.phases.length > 1) selects.push(choice(holder, " in ", "phase of visits", `${name} visits phase`, [[-1, "all phases"], ...visits.phases.map((one, p) => [p, one.name])], -1));
  const say = make("p", parent, null, { "aria-live": "polite", class: "visits-told" });
  const node = chart(make("div", parent, null, { class: "wide" }), show, "visit counts");
  node.classList.add("visits");
  const rest = keep(make("details", parent), `${name} visits table`, false);
  make("summary", rest, "most visited cells as a table");
  const list = make("div", rest);
  async function show() {
    const [k, m, phase] = [...selects.map((select) => Number(select.value)), -1], dims = { x: visits.dims[k], y: visits.dims[m] };
    const cells = visitCounts(visits, k, m, phase).sort((one, other) => other.count - one.count);
    const all = cells.reduce((sum, cell) => sum + cell.count, 0), width = Math.min(360, main.clientWidth - 150);
    const named = (cell) => (k === m ? `${dims.x.name} ${cellName(dims.x, cell.x)}` : `${dims.x.name} ${cellName(dims.x, cell.x)}, ${dims.y.name} ${cellName(dims.y, cell.y)}`);
    say.textContent = `${whole(all)} visits in ${whole(cells.length)} cells; most, ${whole(cells[0].count)}, in ${named(cells[0])}.`;
    node.dataset.told = JSON.stringify(cells);
    list.replaceChildren();
    table(list, [...(k === m ? [dims.x.name] : [dims.x.name, dims.y.name]), "visits", "share"], cells.slice(0, 20).map((cell) => [
      cellName(dims.x, cell.x), ...(k === m ? [] : [cellName(dims.y, cell.y)]), whole(cell.count), `${number(100 * cell.count / all)} %`]));
    await draw(node, k === m ? bars(dims.x, cells, width) : heatMap(dims, cells, width));
  }
  selects.forEach((select) => select.addEventListener("change", show));
}
