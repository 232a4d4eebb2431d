// --- goals ---

function showGoals(parent, goals, name) {
  make("h3", parent, "Goals");
  if (!goals.count) { make("p", parent, "No episode has been won yet, so there are no goals."); return; }
  make("p", parent, `${goals.count} won states, ${goals.different.length} different, in the dimensions that agents pursue.`);
  const rest = keep(make("details", parent), `${name} goals`, false);
  make("summary", rest, "as a table");
  table(rest, ["times", ...goals.pursued.map((k) => goals.names[k])], goals.different.map(([times, goal]) => [times, ...goal.map(number)]));
  if (goals.pursued.length < 2) return;
  const holder = make("p", parent, null, { class: "choices" }), options = goals.pursued.map((k) => [k, goals.names[k]]);
  const selects = [0, 1].map((which) => choice(holder, which ? " against " : "goals in ", `dimension of goals, ${which ? "upwards" : "to the right"}`, `${name} goals ${which}`, options, goals.pursued[which]));
  const node = chart(make("div", parent, null, { class: "wide" }), show, "goals");
  function show() {
    const [x, y] = selects.map((select) => Number(select.value));
    const values = goals.states.map((state) => ({ x: state[x], y: state[y] }));
    return draw(node, {
      $schema: schema, data: { values }, width: 260, height: 260, mark: { type: "circle", opacity: 0.7 },
      encoding: {
        x: { field: "x", type: "quantitative", title: goals.names[x], scale: { zero: false, padding: 12 } },
        y: { field: "y", type: "quantitative", title: goals.names[y], scale: { zero: false, padding: 12 } },
        size: { aggregate: "count", title: "times", legend: { orient: "right", tickCount: 3, format: "d" } }, tooltip: [{ field: "x", title: goals.names[x] }, { field: "y", title: goals.names[y] }, { aggregate: "count", title: "times" }],
      },
    });
  }
  selects.forEach((select) => select.addEventListener("change", show));
}
