// --- a run ---

function verdict(summary) {
  if (!summary) return "Not finished: no summary yet.";
  const rate = number(summary.success_rate);
  const took = `${Number(summary.env_steps).toLocaleString("en")} steps, ${number(summary.wall_time_s)} s`;
  if (summary.solved) return `Solved after ${Number(summary.solved.env_steps).toLocaleString("en")} steps; success rate ${rate} at the end (${took}).`;
  if (summary.best_success_rate === null) {
    return summary.evaluated_at ? `All evaluation episodes were lost because their games failed (${took}).` : `Ended before the first evaluation (${took}).`;
  }
  return `Not solved: success rate ${rate} at the end, ${number(summary.best_success_rate)} at best (${took}).`;
}

function verdictCells(summary) {
  if (!summary) return ["not finished", "", "", "", ""];
  const said = summary.solved ? `solved after ${whole(summary.solved.env_steps)}` : "not solved";
  return [said, number(summary.success_rate), number(summary.best_success_rate), whole(summary.env_steps), whole(summary.wall_time_s)];
}

function showPhases(parent, phases) {
  if (!phases.length) return;
  const last = phases[phases.length - 1].to, list = make("ol", parent, null, { class: "phases", "aria-label": "phases along environment steps" });
  phases.forEach((phase, i) => {
    const item = make("li", list, null, { title: `${phase.name}: steps ${whole(phase.from)} to ${whole(phase.to)}` });
    item.style.flexGrow = (phase.to - phase.from) / last;
    item.style.borderTopColor = colours[i % colours.length];
    make("b", item, phase.name);
    item.append(` ${whole(phase.from)} to ${whole(phase.to)}`);
  });
}

function showConfiguration(box, run, name) {
  make("h3", box, "Configuration");
  const differing = run.configuration.filter((row) => row.preset !== null);
  make("p", box, `${differing.length} of ${run.configuration.length} keys differ from preset ${run.preset}.`);
  const folds = { "changed keys": [differing, true], "all keys": [run.configuration, false] };
  Object.entries(folds).forEach(([title, [rows, open]]) => {
    const fold = keep(make("details", box), `${name} ${title}`, open && rows.length > 0);
    make("summary", fold, title);
    table(fold, ["key", "value", "preset value, if different"], rows.map((row) => [row.key, row.value, row.preset]), rows.map((row) => !open && row.preset !== null));
  });
  const versions = keep(make("details", box), `${name} versions`, false);
  make("summary", versions, "versions");
  table(versions, ["package", "version"], Object.entries(run.versions || {}));
}

function showRun(run, i) {
  const name = run.path, box = keep(make("details", main, null, { class: "run", id: `run-${i}` }), name, i === 0);
  box.addEventListener("toggle", drawStale);
  make("h2", make("summary", box), `${name}: ${run.algo} on ${run.env}, seed ${run.seed}`);
  const installed = run.versions || {};
  make("p", box, `${verdict(run.summary)} Made with ${["isa-marl", "torch", "python"].filter((one) => installed[one]).map((one) => `${one} ${installed[one]}`).join(", ") || "unknown versions"}.`);
  showPhases(box, run.phases);
  make("p", box, "Run again with: ").append(make("code", null, run.command));
  run.changes.forEach((change) => make("p", box, `Changed during the run, which this command does not repeat: ${change}.`, { class: "soft" }));
  if (run.scope) showScope(box, run.scope, name);
  if (run.replays) {
    const stages = make("div", box, null, { class: "replays" });
    run.replays.forEach((episode) => showReplay(stages, run, episode, `${name} ${episode.won ? "won" : "lost"}`));
    ["won", "lost"].filter((end) => !run.replays.some((one) => one.won === (end === "won")))
      .forEach((end) => make("p", box, `None of ${data.copies} episodes was ${end}.`, { class: "soft" }));
  }
  if (run.replays === null) make("p", box, "A won and a lost episode are being played.", { class: "soft" });
  if (run.goals) showGoals(box, run.goals, name);
  showVisits(box, run.visits, name);
  showConfiguration(box, run, name);
  if (!run.csv) { make("p", box, "The metrics are too long for this page: see metrics.csv in the run folder."); return; }
  const button = make("button", make("p", box), "metrics as CSV", { type: "button", class: "csv" });
  button.addEventListener("click", () => save("metrics.csv", run.csv));
}
