// Everything is text or data: nothing that a run names is ever taken for markup.
const data = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("main");
const colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999933", "#888888"];
const redraw = [];

function make(kind, parent, text, attributes) {
  const node = document.createElement(kind);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  if (parent) parent.append(node);
  return node;
}

function isDark() { return document.documentElement.dataset.theme === "dark"; }

function look() {
  const ink = isDark() ? "#e8e8e8" : "#1a1a1a", line = isDark() ? "#3a3d44" : "#dddddd";
  return {
    background: "transparent", title: { color: ink }, view: { stroke: line }, range: { category: colours },
    axis: { labelColor: ink, titleColor: ink, gridColor: line, tickColor: line, domainColor: line },
    legend: { symbolOpacity: 1, labelColor: ink, titleColor: ink, orient: "bottom", columns: 1, labelLimit: 400 },
    header: { labelColor: ink, titleColor: ink },
  };
}

async function draw(node, spec) {
  const options = { logLevel: 1, actions: { export: true, source: false, compiled: false, editor: false }, config: look() };
  const result = await window.vegaEmbed(node, spec, options);
  node.setAttribute("role", "figure");
  return result.view;
}

function chart(parent, spec) {
  const node = make("div", parent);
  redraw.push(() => draw(node, spec));
  return node;
}

function table(parent, heads, rows, marked) {
  const node = make("table", make("div", parent, null, { class: "wide" }));
  const head = make("tr", make("thead", node));
  heads.forEach((text) => make("th", head, text, { scope: "col" }));
  const body = make("tbody", node);
  rows.forEach((row, i) => {
    const line = make("tr", body, null, marked && marked[i] ? { class: "differs" } : {});
    row.forEach((value) => make("td", line, value));
  });
  return node;
}

function number(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}

function save(name, text) {
  const link = make("a", null, null, { download: name, href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

// --- curves ---

function curve(told) {
  const x = { field: "steps", type: "quantitative", title: "environment steps", axis: { format: "~s", tickCount: 5 } };
  const group = { field: "runs", type: "nominal", title: null };
  const tooltip = [
    { field: "runs", title: "runs" }, { field: "steps", format: ",.0f" }, { field: "value", format: ".4g", title: "median" },
    { field: "low", format: ".4g" }, { field: "high", format: ".4g" },
  ];
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json", title: told.title, width: "container", height: 190,
    data: { values: told.rows },
    layer: [
      { mark: { type: "area", opacity: 0.18 }, encoding: { x, color: group, y: { field: "low", type: "quantitative", title: null }, y2: { field: "high" } } },
      { mark: { type: "line", strokeWidth: 1.6 }, encoding: { x, color: group, y: { field: "value", type: "quantitative", title: null } } },
      { mark: { type: "point", size: 500, opacity: 0, filled: true }, encoding: { x, color: group, y: { field: "value", type: "quantitative" }, tooltip },
        params: [{ name: "near", select: { type: "point", on: "pointerover", clear: "pointerout" } }] },
      { mark: "rule", transform: [{ filter: { param: "near", empty: false } }], encoding: { x, color: { value: "gray" } } },
      { data: { values: told.changes }, mark: { type: "rule", strokeDash: [4, 3] }, encoding: { x, color: group, tooltip: [{ field: "runs", title: "next phase of" }, { field: "steps", format: ",.0f" }] } },
    ],
  };
}

// --- the scope ---

function dimensionsAt(scope, delta) {
  const moves = scope.influence.map((agent) => agent.map((action) => action.map((figure, k) => figure > (Array.isArray(delta) ? delta[k] : delta))));
  const ofAction = moves.map((agent, i) => agent.slice(0, scope.actions[i].length).map(listed));
  const ofAgent = moves.map((agent) => listed(scope.dims.map((_, k) => agent.some((action) => action[k]))));
  const common = scope.dims.map((_, k) => k).filter((k) => ofAgent.every((own) => own.includes(k)));
  return { D_a: ofAction, D_i: ofAgent, D_c: common, D_i_minus_c: ofAgent.map((own) => own.filter((k) => !common.includes(k))) };
}

function listed(flags) { return flags.map((yes, k) => (yes ? k : -1)).filter((k) => k >= 0); }

function showScope(parent, scope) {
  make("h3", parent, "Influence scope");
  if (!scope.influence) {
    make("p", parent, "Its figures are too many for a page; scope.safetensors in the run folder holds them.");
    return;
  }
  const values = [];
  scope.influence.forEach((agent, i) => agent.slice(0, scope.actions[i].length).forEach((action, a) => action.forEach((figure, k) => {
    values.push({ agent: scope.agents[i], action: `${a} ${scope.actions[i][a]}`, dim: scope.dims[k], figure, k,
      chance: scope.log_p ? (scope.log_p[i][a][k] < -690 ? "below 1e-300" : Math.exp(scope.log_p[i][a][k]).toPrecision(2)) : "not told" });
  })));
  const first = Array.isArray(scope.delta) ? Math.max(...scope.delta) : scope.delta;
  make("p", parent, `Of each agent (panel) and action (row), how much it moves each dimension of the state (column): ${scope.figure}. `
    + "Thick red frame: above the threshold, so in D(a). Thin orange frame: a near miss, at least four fifths of it.", { class: "soft" });
  const holder = make("p", parent);
  const label = make("label", holder, "threshold ", {});
  const slider = make("input", label, null, { type: "range", min: 0, max: 0.999, step: 0.001, value: first, class: "delta" });
  const shown = make("output", holder);
  const own = make("button", holder, Array.isArray(scope.delta) ? "each dimension's own" : `back to ${number(scope.delta)}`, { type: "button" });
  const x = { field: "dim", type: "nominal", sort: scope.dims, title: null, scale: { paddingInner: 0.12 }, axis: { labelAngle: -50, labelLimit: 140 } };
  const y = { field: "action", type: "nominal", sort: null, title: null, scale: { paddingInner: 0.16 } };
  const limit = Array.isArray(scope.delta) ? `(delta < 0 ? ${JSON.stringify(scope.delta)}[datum.k] : delta)` : "delta";
  const inside = `datum.figure > ${limit}`, near = `(datum.figure <= ${limit} && datum.figure > 0 && datum.figure >= 0.8 * ${limit})`;
  const box = make("div", parent, null, { class: "wide" });
  const node = make("div", box);
  const sets = make("div", parent, null, { "aria-live": "polite", class: "sets" });
  let view = null, delta = scope.delta;
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json", data: { values },
    params: [{ name: "delta", value: Array.isArray(scope.delta) ? -1 : scope.delta }],
    facet: { row: { field: "agent", sort: null, title: null, header: { labelAngle: 0, labelAlign: "left" } } },
    resolve: { scale: { y: "independent" } },
    spec: {
      width: { step: Math.min(44, Math.max(16, 640 / scope.dims.length)) }, height: { step: 20 },
      mark: "rect",
      encoding: {
        x, y,
        color: { field: "figure", type: "quantitative", scale: { scheme: "viridis", domain: [0, 1] }, title: scope.figure, legend: { orient: "top" } },
        stroke: { condition: [{ test: inside, value: "#ff3b30" }, { test: near, value: "#ff9500" }], value: null },
        strokeWidth: { condition: [{ test: inside, value: 3 }, { test: near, value: 1.5 }], value: 0 },
        tooltip: [{ field: "agent" }, { field: "action" }, { field: "dim", title: "dimension" }, { field: "figure", format: ".4f" }, { field: "chance", title: "by chance anywhere" }],
      },
    },
  };
  async function at(next) {
    delta = next;
    const told = dimensionsAt(scope, delta), names = (dims) => dims.map((k) => scope.dims[k]).join(", ") || "nothing";
    shown.textContent = Array.isArray(delta) ? " each dimension's own " : ` ${number(delta)} `;
    sets.replaceChildren();
    sets.dataset.told = JSON.stringify(told);
    make("p", sets, `All agents can move (D_c): ${names(told.D_c)}.`);
    table(sets, ["agent", "it alone: D_(i-c)", "in all: D_i"], scope.agents.map((agent, i) => [agent, names(told.D_i_minus_c[i]), names(told.D_i[i])]));
    if (view) await view.signal("delta", Array.isArray(delta) ? -1 : delta).runAsync();
  }
  slider.addEventListener("input", () => at(Number(slider.value)));
  own.addEventListener("click", () => { slider.value = first; at(scope.delta); });
  at(scope.delta);
  redraw.push(async () => { view = await draw(node, spec); await at(delta); });
}

// --- goals ---

function showGoals(parent, goals) {
  make("h3", parent, "Goals");
  make("p", parent, `${goals.count} won states, ${goals.different.length} different ones shown, in the dimensions that agents pursue.`);
  if (!goals.count) return;
  const rest = make("details", parent);
  make("summary", rest, "as a table");
  table(rest, ["times", ...goals.pursued.map((k) => goals.names[k])], goals.different.map(([times, goal]) => [times, ...goal.map(number)]));
  if (goals.pursued.length < 2) return;
  const holder = make("p", parent);
  const selects = [0, 1].map((which) => {
    const select = make("select", make("label", holder, which ? " against " : "place of "));
    goals.pursued.forEach((k, at) => make("option", select, goals.names[k], at === which ? { value: k, selected: "" } : { value: k }));
    return select;
  });
  const node = make("div", parent);
  const show = () => {
    const [x, y] = selects.map((select) => Number(select.value));
    const values = goals.states.map((state) => ({ x: state[x], y: state[y] }));
    return draw(node, {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json", data: { values }, width: 260, height: 260, mark: { type: "circle", opacity: 0.7 },
      encoding: {
        x: { field: "x", type: "quantitative", title: goals.names[x] }, y: { field: "y", type: "quantitative", title: goals.names[y] },
        size: { aggregate: "count", title: "times" }, tooltip: [{ field: "x", title: goals.names[x] }, { field: "y", title: goals.names[y] }, { aggregate: "count", title: "times" }],
      },
    });
  };
  selects.forEach((select) => select.addEventListener("change", show));
  redraw.push(show);
}

// --- replay ---

function showReplay(parent, run, episode) {
  const steps = episode.steps, last = steps.length - 1, agents = run.scope ? run.scope.agents : null;
  const names = run.scope ? run.scope.dims : steps[0].state.map((_, k) => `s[${k}]`);
  const box = make("section", parent, null, { class: "replay", tabindex: 0, "aria-label": `replay of an episode that was ${episode.won ? "won" : "lost"}` });
  make("h3", box, `An episode that was ${episode.won ? "won" : "lost"}, ${last + episode.left_out} steps`);
  if (episode.left_out) make("p", box, `The last ${episode.left_out} steps are too many for this page.`, { class: "soft" });
  if (episode.goal) make("p", box, "Its goal: " + episode.goal.map((value, k) => (value === null ? "" : `${names[k]} ${number(value)}`)).filter(Boolean).join(", "), { class: "soft" });
  const stage = make("div", box, null, { class: "stage" });
  const picture = episode.frames.length ? make("img", stage, null, { alt: "the environment as it is drawn" }) : null;
  const cells = picture ? null : make("div", stage, null, { class: "cells" });
  const controls = make("p", box);
  const play = make("button", controls, "play", { type: "button" });
  const scrub = make("input", make("label", controls, " step "), null, { type: "range", min: 0, max: last, value: 0 });
  const where = make("output", controls);
  const parts = make("div", box, null, { class: "wide" });
  let timer = null;
  function show(t) {
    scrub.value = t;
    where.textContent = ` ${t} of ${last}`;
    if (picture) picture.src = episode.frames[Math.min(Math.floor(t / episode.stride), episode.frames.length - 1)];
    else {
      cells.replaceChildren();
      steps[t].state.forEach((value, k) => make("span", cells, `${names[k]} ${number(value)}`, { class: t && steps[t - 1].state[k] !== value ? "cell moved" : "cell" }));
    }
    parts.replaceChildren();
    const told = steps[t].parts;
    if (!told) { make("p", parts, "The start: nothing was rewarded yet.", { class: "soft" }); return; }
    const count = Object.values(told)[0].length;
    table(parts, ["reward", ...Array.from({ length: count }, (_, i) => (agents ? agents[i] : `agent ${i}`))], Object.entries(told).map(([name, values]) => [name, ...values.map(number)]));
  }
  function stop() { clearInterval(timer); timer = null; play.textContent = "play"; }
  function toggle() {
    if (timer) { stop(); return; }
    if (Number(scrub.value) === last) show(0);
    play.textContent = "pause";
    timer = setInterval(() => {
      const next = Math.min(last, Number(scrub.value) + 1);
      show(next);
      if (next === last) stop();
    }, 180);
  }
  play.addEventListener("click", toggle);
  scrub.addEventListener("input", () => { stop(); show(Number(scrub.value)); });
  box.addEventListener("keydown", (event) => {
    if (event.target !== box) return;
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === " ") toggle();
    else if (move) { stop(); show(Math.min(last, Math.max(0, Number(scrub.value) + move))); } else return;
    event.preventDefault();
  });
  show(0);
}

// --- a run ---

function verdict(summary) {
  if (!summary) return "Not finished: there is no summary yet.";
  const rate = number(summary.success_rate);
  const took = `${Number(summary.env_steps).toLocaleString("en")} steps, ${number(summary.wall_time_s)} s`;
  if (summary.solved) return `Solved after ${Number(summary.solved.env_steps).toLocaleString("en")} steps; success rate ${rate} at the end (${took}).`;
  if (summary.success_rate === null) return `Ended before it was evaluated (${took}).`;
  return `Not solved: success rate ${rate} at the end, ${number(summary.best_success_rate)} at best (${took}).`;
}

function showRun(run) {
  const box = make("section", main, null, { id: `run-${data.runs.indexOf(run)}` });
  make("h2", box, `${run.path}: ${run.algo} on ${run.env}, seed ${run.seed}`);
  make("p", box, "Again: ").append(make("code", null, run.command));
  if (run.scope) showScope(box, run.scope);
  if (run.replays) {
    run.replays.forEach((episode) => showReplay(box, run, episode));
    ["won", "lost"].filter((end) => !run.replays.some((one) => one.won === (end === "won")))
      .forEach((end) => make("p", box, `Of ${data.copies} episodes none was ${end}.`, { class: "soft" }));
  }
  if (run.goals) showGoals(box, run.goals);
  make("h3", box, "Configuration");
  const differing = run.configuration.filter((row) => row.preset !== null);
  make("p", box, `${differing.length} of ${run.configuration.length} keys differ from preset ${run.preset}.`);
  const some = make("details", box, null, { open: "" });
  make("summary", some, "what differs");
  table(some, ["key", "value", "preset's"], differing.map((row) => [row.key, row.value, row.preset]));
  const all = make("details", box);
  make("summary", all, "all keys");
  table(all, ["key", "value", "preset's, where it differs"], run.configuration.map((row) => [row.key, row.value, row.preset]), run.configuration.map((row) => row.preset !== null));
  const versions = make("details", box);
  make("summary", versions, "versions");
  table(versions, ["package", "version"], Object.entries(run.versions || {}));
  if (!run.csv) { make("p", box, "The metrics are too long for this page: metrics.csv lies in the run folder."); return; }
  const button = make("button", make("p", box), "metrics as CSV", { type: "button", class: "csv" });
  button.addEventListener("click", () => save("metrics.csv", run.csv));
}

function start() {
  const root = document.documentElement;
  root.dataset.theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; redraw.forEach((one) => one()); });
  data.notes.forEach((note) => make("p", main, note, { class: "note" }));
  const list = make("ul", main, null, { class: "verdict" });
  data.runs.forEach((run, i) => {
    const line = make("li", list);
    make("a", line, run.path, { href: `#run-${i}` });
    line.append(` (${run.algo} on ${run.env}, seed ${run.seed}): ${verdict(run.summary)}`);
  });
  if (data.differences.length) {
    const differing = make("details", main, null, { open: "" });
    make("summary", differing, `${data.differences.length} settings in which the runs differ`);
    table(differing, ["key", ...data.runs.map((run) => run.path)], data.differences.map((row) => [row.key, ...row.values]));
  }
  data.tasks.forEach((task) => {
    make("h2", main, `Curves: ${task.name}`);
    if (!task.charts.length) make("p", main, "No run was evaluated yet.");
    const grid = make("div", main, null, { class: "charts" });
    task.charts.forEach((told) => chart(grid, curve(told)));
  });
  data.runs.forEach(showRun);
  window.isaReport = { data, dimensionsAt };
  return Promise.all(redraw.map((one) => one())).then(() => { root.dataset.ready = "yes"; });
}

start();
