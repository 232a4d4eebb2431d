// --- the scope ---

function dimensionsAt(scope, delta) {
  const moves = scope.influence.map((agent) => agent.map((action) => action.map((figure, k) => figure > (Array.isArray(delta) ? delta[k] : delta))));
  const ofAction = moves.map((agent, i) => agent.slice(0, scope.actions[i].length).map(listed));
  const ofAgent = moves.map((agent) => listed(scope.dims.map((_, k) => agent.some((action) => action[k]))));
  const common = scope.dims.map((_, k) => k).filter((k) => ofAgent.every((own) => own.includes(k)));
  return { D_a: ofAction, D_i: ofAgent, D_c: common, D_i_minus_c: ofAgent.map((own) => own.filter((k) => !common.includes(k))) };
}

function listed(flags) { return flags.map((yes, k) => (yes ? k : -1)).filter((k) => k >= 0); }

function showScope(parent, scope, name) {
  make("h3", parent, "Influence scope");
  if (!scope.influence) {
    make("p", parent, "The scope is too large for this page; see scope.safetensors in the run folder.");
    return;
  }
  const values = [];
  scope.influence.forEach((agent, i) => agent.slice(0, scope.actions[i].length).forEach((action, a) => action.forEach((figure, k) => {
    values.push({ agent: scope.agents[i], action: `${a} ${scope.actions[i][a]}`, dim: scope.dims[k], figure, k,
      chance: scope.log_p ? (scope.log_p[i][a][k] < -690 ? "below 1e-300" : Math.exp(scope.log_p[i][a][k]).toPrecision(2)) : "unknown" });
  })));
  const first = Array.isArray(scope.delta) ? Math.max(...scope.delta) : scope.delta;
  make("p", parent, `Influence of each action (row) of each agent (panel) on each dimension of the state (column): ${scope.figure}. `
    + "Thick red frame: above the threshold, so in D(a). Thin orange frame: a near miss, at least four fifths of the threshold.", { class: "soft" });
  const holder = make("p", parent);
  const label = make("label", holder, "threshold ", {});
  const slider = keep(make("input", label, null, { type: "range", min: 0, max: 0.999, step: 0.001, class: "delta" }), `${name} delta`, first);
  const shown = make("output", holder);
  const own = make("button", holder, Array.isArray(scope.delta) ? "each dimension's own" : `back to ${number(scope.delta)}`, { type: "button" });
  const x = { field: "dim", type: "nominal", sort: scope.dims, title: null, scale: { paddingInner: 0.12 }, axis: { labelAngle: -50, labelLimit: 140 } };
  const y = { field: "action", type: "nominal", sort: null, title: null, scale: { paddingInner: 0.16 } };
  const limit = Array.isArray(scope.delta) ? `(delta < 0 ? ${JSON.stringify(scope.delta)}[datum.k] : delta)` : "delta";
  const inside = `datum.figure > ${limit}`, near = `(datum.figure <= ${limit} && datum.figure > 0 && datum.figure >= 0.8 * ${limit})`;
  const box = make("div", parent, null, { class: "wide" });
  chart(box, async (node) => { view = await draw(node, spec); await at(delta); }, "influence scope");
  const sets = make("div", parent, null, { "aria-live": "polite", class: "sets" });
  let view = null, delta = kept.has(`${name} delta`) ? Number(slider.value) : scope.delta;
  // As wide as the page allows beside names and menu; with too many dimensions for readable cells, it scrolls.
  const letters = Math.max(...scope.agents.map((one) => one.length)) + Math.max(...values.map((value) => value.action.length));
  const room = Math.min(640, (main.clientWidth || 1200) - 60 - 6.5 * Math.min(letters, 30));
  const spec = {
    $schema: schema, data: { values },
    params: [{ name: "delta", value: Array.isArray(scope.delta) ? -1 : scope.delta }],
    facet: { row: { field: "agent", sort: null, title: null, header: { labelAngle: 0, labelAlign: "left" } } },
    resolve: { scale: { y: "independent" } },
    spec: {
      width: { step: Math.min(44, Math.max(16, room / scope.dims.length)) }, height: { step: 20 },
      mark: "rect",
      encoding: {
        x, y,
        color: { field: "figure", type: "quantitative", scale: { scheme: "viridis", domain: [0, 1] }, title: scope.figure, legend: { orient: "top" } },
        stroke: { condition: [{ test: inside, value: "#ff3b30" }, { test: near, value: "#ff9500" }], value: null },
        strokeWidth: { condition: [{ test: inside, value: 3 }, { test: near, value: 1.5 }], value: 0 },
        tooltip: [{ field: "agent" }, { field: "action" }, { field: "dim", title: "dimension" }, { field: "figure", format: ".4f" }, { field: "chance", title: "p-value, whole scope" }],
      },
    },
  };
  async function at(next) {
    delta = next;
    const told = dimensionsAt(scope, delta), names = (dims) => dims.map((k) => scope.dims[k]).join(", ") || "nothing";
    shown.textContent = Array.isArray(delta) ? " each dimension's own " : ` ${number(delta)} `;
    sets.replaceChildren();
    sets.dataset.told = JSON.stringify(told);
    make("p", sets, `Moved by all agents (D_c): ${names(told.D_c)}.`);
    table(sets, ["agent", "special: D_(i-c)", "all: D_i"], scope.agents.map((agent, i) => [agent, names(told.D_i_minus_c[i]), names(told.D_i[i])]));
    if (view) await view.signal("delta", Array.isArray(delta) ? -1 : delta).runAsync();
  }
  slider.addEventListener("input", () => at(Number(slider.value)));
  own.addEventListener("click", () => { slider.value = first; kept.delete(`${name} delta`); at(scope.delta); });
  at(delta);
}
