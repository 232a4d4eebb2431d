// --- curves ---

function curve(told) {
  const x = { field: "steps", type: "quantitative", title: "environment steps", axis: { format: "~s", tickCount: 5 } };
  const several = new Set(told.rows.map((row) => row.runs)).size > 1;
  const group = { field: "runs", type: "nominal", title: null, ...(several ? {} : { legend: null }) };
  const tooltip = [
    { field: "runs", title: "runs" }, { field: "steps", format: ",.0f" }, { field: "value", format: ".4g", title: "median" },
    { field: "low", format: ".4g" }, { field: "high", format: ".4g" },
  ];
  const one = new Set(told.rows.map((row) => row.steps)).size === 1;
  return {
    $schema: schema, title: told.title, width: "container", height: 190, autosize: { type: "fit-x", contains: "padding" },
    data: { values: told.rows },
    layer: [
      { mark: { type: "area", opacity: 0.18 }, encoding: { x, color: group, y: { field: "low", type: "quantitative", title: null }, y2: { field: "high" } } },
      { mark: { type: "line", strokeWidth: 1.6, point: one }, encoding: { x, color: group, y: { field: "value", type: "quantitative", title: null } } },
      { mark: { type: "point", size: 500, opacity: 0, filled: true }, encoding: { x, color: group, y: { field: "value", type: "quantitative" }, tooltip },
        params: [{ name: "near", select: { type: "point", on: "pointerover", clear: "pointerout" } }] },
      { mark: "rule", transform: [{ filter: { param: "near", empty: false } }], encoding: { x, color: { value: "gray" } } },
      { data: { values: told.changes }, mark: { type: "rule", strokeDash: [4, 3] }, encoding: { x, color: group, tooltip: [{ field: "runs", title: "next phase of" }, { field: "steps", format: ",.0f" }] } },
    ],
  };
}

function showCurves(parent, task) {
  make("h2", parent, `Curves: ${task.name}`);
  if (!task.charts.length) make("p", parent, "No run has been evaluated yet.");
  const letters = Object.entries(data.key).filter(([letter]) => task.charts.some((told) => told.rows.some((row) => row.runs.startsWith(`${letter} (`))));
  if (letters.length) {
    const list = make("ul", parent, null, { class: "key" });
    letters.forEach(([letter, name]) => {
      const line = make("li", list);
      make("b", line, letter);
      line.append(` ${name}`);
    });
  }
  const grid = make("div", parent, null, { class: "charts" });
  task.charts.forEach((told) => {
    const groups = new Map(told.rows.map((row) => [row.runs, row]));
    const ends = [...groups].map(([name, row]) => `${name} ${number(row.value)}`).join(", ");
    chart(grid, (node) => draw(node, curve(told)), `${told.title}; at the end: ${ends}`);
  });
}
