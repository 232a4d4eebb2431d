// --- replay ---

const timers = new Set();

function isPlaying() { return timers.size > 0; }

function stopReplays() {
  timers.forEach(clearInterval);
  timers.clear();
}

function showReplay(parent, run, episode, name) {
  const steps = episode.steps, last = steps.length - 1, agents = run.scope ? run.scope.agents : null;
  const names = run.scope ? run.scope.dims : steps[0].state.map((_, k) => `s[${k}]`);
  const box = make("section", parent, null, { class: "replay", tabindex: 0, "data-key": name, "aria-label": `replay of a ${episode.won ? "won" : "lost"} episode` });
  make("h3", box, `${episode.won ? "Won" : "Lost"} episode, ${last + episode.left_out} steps`);
  if (episode.left_out) make("p", box, `The last ${episode.left_out} steps are left out to limit the size of this page.`, { class: "soft" });
  if (episode.goal) make("p", box, "Its goal: " + episode.goal.map((value, k) => (value === null ? "" : `${names[k]} ${number(value)}`)).filter(Boolean).join(", "), { class: "soft" });
  const stage = make("div", box, null, { class: "stage" });
  const picture = episode.frames.length ? make("img", stage, null, { alt: "rendered environment" }) : null;
  if (picture) picture.addEventListener("load", () => { picture.style.imageRendering = picture.naturalWidth < 300 ? "pixelated" : "auto"; });
  const cells = picture ? null : make("div", stage, null, { class: "cells" });
  const controls = make("p", box);
  const play = make("button", controls, "play", { type: "button" });
  const scrub = keep(make("input", make("label", controls, " step "), null, { type: "range", min: 0, max: last }), `${name} step`, 0);
  const where = make("output", controls);
  const parts = make("div", box, null, { class: "wide" });
  let timer = null;
  function show(t) {
    scrub.value = t;
    kept.set(scrub.dataset.key, t);
    where.textContent = ` ${t} of ${last}`;
    if (picture) picture.src = episode.frames[Math.min(Math.floor(t / episode.stride), episode.frames.length - 1)];
    else {
      cells.replaceChildren();
      steps[t].state.forEach((value, k) => make("span", cells, `${names[k]} ${number(value)}`, { class: t && steps[t - 1].state[k] !== value ? "cell moved" : "cell" }));
    }
    parts.replaceChildren();
    const told = steps[t].parts;
    if (!told) { make("p", parts, "Start of the episode: no reward yet.", { class: "soft" }); return; }
    const count = Object.values(told)[0].length;
    table(parts, ["reward", ...Array.from({ length: count }, (_, i) => (agents ? agents[i] : `agent ${i}`))], Object.entries(told).map(([name, values]) => [name, ...values.map(number)]));
  }
  function stop() {
    clearInterval(timer);
    timers.delete(timer);
    timer = null;
    play.textContent = "play";
  }
  function toggle() {
    if (timer) { stop(); return; }
    if (Number(scrub.value) === last) show(0);
    play.textContent = "pause";
    timer = setInterval(() => {
      const next = Math.min(last, Number(scrub.value) + 1);
      show(next);
      if (next === last) stop();
    }, 180);
    timers.add(timer);
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
  show(Number(scrub.value));
}
