// --- the whole page ---

function showTop() {
  (data.notes || []).forEach((note) => make("p", main, note, { class: "note" }));
  const list = make("ul", main, null, { class: "verdict" });
  data.runs.forEach((run, i) => {
    const line = make("li", list);
    const link = make("a", line, run.path, { href: `#run-${i}` });
    link.addEventListener("click", () => { document.getElementById(`run-${i}`).open = true; });
    line.append(` (${run.algo} on ${run.env}, seed ${run.seed}): ${verdict(run.summary)}`);
  });
  if (!data.differences.length) return;
  const differing = keep(make("details", main), "differences", true);
  make("summary", differing, data.differences.length === 1 ? "One setting in which the runs differ" : `${data.differences.length} settings in which the runs differ`);
  table(differing, ["key", ...data.runs.map((run) => run.path)], data.differences.map((row) => [row.key, ...row.values]));
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

// --- isa view: the page asks its own server, and nobody else, whether there is something new ---

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
    said.textContent = "isa view has ended; the page stays as it is";
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
