// All content is inserted as text or data: names in a run are never interpreted as markup.
let data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement, main = document.getElementById("main");
const colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999933", "#888888"];
const brighter = ["#56B4E9", "#FF8A3D", "#2CC295", "#E39AC3", "#F0B93A", "#7C9BE6", "#C5C56B", "#B0B0B0"];
const schema = "https://vega.github.io/schema/vega-lite/v6.json";

function make(kind, parent, text, attributes) {
  const node = document.createElement(kind);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  if (parent) parent.append(node);
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

function whole(value) { return Math.round(value).toLocaleString("en"); }

function save(name, text) {
  const link = make("a", null, null, { download: name, href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

// --- settings of the reader, by name, so that they survive when the page is redrawn ---

const kept = new Map();

function keep(node, name, first) {
  node.dataset.key = name;
  if (node.tagName === "DETAILS") {
    node.open = kept.has(name) ? kept.get(name) : first;
    node.addEventListener("toggle", () => kept.set(name, node.open));
    return node;
  }
  node.value = kept.has(name) ? kept.get(name) : first;
  if (node.selectedIndex === -1) node.value = first;
  ["input", "change"].forEach((event) => node.addEventListener(event, () => kept.set(name, node.value)));
  return node;
}

function choice(parent, label, told, name, options, first) {
  const select = make("select", make("label", parent, label), null, { "aria-label": told });
  options.forEach(([value, text]) => make("option", select, text, { value }));
  return keep(select, name, String(first));
}

// --- charts, drawn only when they become visible ---

let charts = [];

function isDark() { return root.dataset.theme === "dark"; }

function look() {
  const ink = isDark() ? "#e8e8e8" : "#1a1a1a", line = isDark() ? "#3a3d44" : "#dddddd";
  return {
    background: "transparent", title: { color: ink }, view: { stroke: line }, range: { category: isDark() ? brighter : colours },
    axis: { labelColor: ink, titleColor: ink, gridColor: line, tickColor: line, domainColor: line },
    legend: { symbolOpacity: 1, labelColor: ink, titleColor: ink, orient: "bottom", columns: 1, labelLimit: 400 },
    header: { labelColor: ink, titleColor: ink },
  };
}

async function draw(node, spec) {
  const options = { logLevel: 1, actions: { export: true, source: false, compiled: false, editor: false }, config: look() };
  if (node.drawn) node.drawn.finalize();
  node.drawn = await window.vegaEmbed(node, spec, options);
  node.setAttribute("role", "figure");
  const menu = node.querySelector("summary");
  if (menu) menu.setAttribute("aria-label", "Save this chart as SVG or PNG");
  return node.drawn.view;
}

function chart(parent, drawn, name) {
  const node = make("div", parent, null, name ? { "aria-label": name } : {});
  charts.push({ node, drawn, stale: true });
  return node;
}

function drawStale() {
  return Promise.all(charts.filter((one) => one.stale && !one.node.closest("details.run:not([open])")).map((one) => {
    one.stale = false;
    return one.drawn(one.node);
  }));
}

function forgetCharts() {
  charts.forEach((one) => one.node.drawn && one.node.drawn.finalize());
  charts = [];
}
