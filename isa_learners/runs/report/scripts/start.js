// --- the whole page ---

// Paths without the leading folders that all runs share.
function runNames() {
  const paths = data.runs.map((run) => run.path.split("/"));
  let shared = 0;
  while (paths.length > 1 && paths.every((path) => path.length > shared + 1 && path[shared] === paths[0][shared])) shared += 1;
  return paths.map((path) => path.slice(shared).join("/"));
}

function linked(parent, i, text) {
  const link = make("a", parent, text, { href: `#run-${i}` });
  link.addEventListener("click", () => { document.getElementById(`run-${i}`).open = true; });
}

function showTop() {
  (data.notes || []).forEach((note) => make("p", main, note, { class: "note" }));
  if (data.runs.length === 1) {
    const [run] = data.runs, line = make("p", main, null, { class: "verdict" });
    linked(line, 0, run.path);
    line.append(` (${run.algo} on ${run.env}, seed ${run.seed}): ${verdict(run.summary)}`);
    return;
  }
  const names = runNames();
  const rows = data.runs.map((run) => ["", run.algo, run.env, run.seed, ...verdictCells(run.summary)]);
  const list = table(main, ["run", "algorithm", "task", "seed", "verdict", "success at the end", "at best", "steps", "seconds"], rows);
  list.classList.add("verdict");
  [...list.tBodies[0].rows].forEach((row, i) => linked(row.cells[0], i, names[i]));
  if (!data.differences.length) return;
  const differing = keep(make("details", main), "differences", true);
  make("summary", differing, data.differences.length === 1 ? "One setting in which the runs differ" : `${data.differences.length} settings in which the runs differ`);
  const heads = data.alike.map((group) => (group.name.length > 2 || !group.name ? group.runs.map((i) => names[i]).join(", ") : `${group.name}: ${group.runs.map((i) => names[i]).join(", ")}`));
  table(differing, ["key", ...heads], data.differences.map((row) => [row.key, ...data.alike.map((group) => [...new Set(group.runs.map((i) => row.values[i]))].join(", "))]));
}

async function build() {
  const focus = document.activeElement && document.activeElement.dataset.key, top = window.scrollY;
  stopReplays();
  forgetCharts();
  main.replaceChildren();
  if (data.waiting) {
    make("p", main, data.waiting, { class: "note", role: "status" });
  } else {
    showTop();
    data.tasks.forEach((task) => showCurves(main, task));
    data.runs.forEach(showRun);
  }
  window.isaReport = { data, dimensionsAt, visitCounts };
  await drawStale();
  const again = focus && [...main.querySelectorAll("[data-key]")].find((node) => node.dataset.key === focus);
  if (again) again.focus({ preventScroll: true });
  window.scrollTo(0, top);
}

// --- isa view: the page polls its own server, and no other, for new data ---

const live = { version: null, busy: 0, held: false };

function inUse() { return live.held || isPlaying() || performance.now() - live.busy < 1500; }

async function ask(name) {
  const answer = await fetch(name, { cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function follow(said) {
  let pause = 1000;
  try {
    const state = document.hidden ? data : await ask("state.json");
    const now = state.error ? `live, but: ${state.error}` : "live";
    if (said.textContent !== now) said.textContent = now;
    if (state.version !== data.version && !inUse()) {
      data = await ask("data.json");
      await build();
      root.dataset.version = data.version;
    }
  } catch {
    said.textContent = "isa view has stopped; this page is no longer updated";
    pause = 5000;
  }
  setTimeout(() => follow(said), pause);
}

function goLive() {
  const said = make("span", null, "live", { class: "soft live", role: "status" });
  document.getElementById("theme").before(said);
  ["pointerdown", "keydown", "wheel", "input"].forEach((event) => document.addEventListener(event, () => { live.busy = performance.now(); }, { passive: true, capture: true }));
  document.addEventListener("pointerdown", () => { live.held = true; }, true);
  ["pointerup", "pointercancel"].forEach((event) => document.addEventListener(event, () => { live.held = false; }, true));
  follow(said);
}

async function start() {
  root.dataset.theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    charts.forEach((one) => { one.stale = true; });
    drawStale();
  });
  await build();
  root.dataset.version = data.version || 0;
  root.dataset.ready = "yes";
  if (root.dataset.live) goLive();
}

start();
