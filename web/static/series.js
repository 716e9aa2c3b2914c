// The series page: fetches the points, wires the chart to its tools and to the address.

import { SeriesChart } from "./chart.js";
import { loadLine, loadTexts, newest } from "./chart-line.js";

const DETAIL_DELAY = 150; // milliseconds a view must rest before its full detail is fetched
const chart = JSON.parse(document.getElementById("chart-data").textContent);
const host = document.getElementById("plot");
const reset = document.getElementById("reset");
const announce = document.getElementById("announce");
const address = new URL(location.href);
const wished = newest(); // the line of the view at hand: views change faster than lines come
let wholeTexts = null; // the names of what is drawn at first, once they are asked for

async function start() {
  const all = await loadLine(chart.line);
  let waiting = 0, multiples = null;
  const view = new SeriesChart(host, chart, all, {
    open: (position) => open(view, position),
    choose: (position) => window.htmx?.ajax("GET", `${chart.details}${position}`, "#point"),
    hover: (text) => document.activeElement === host && (announce.textContent = text),
    zoom: (range) => {
      reset.disabled = range === null;
      multiples?.follow();
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        if (all.thinned) detail(view, range, all);
        multiples?.detail(range);
      }, DETAIL_DELAY);
    },
    changed: () => multiples?.rebuild(),
  });
  reset.addEventListener("click", () => view.reset());
  toggle("from-zero", "fromZero", "zero", view);
  toggle("log", "log", "log", view);
  toggle("ratio", "ratio", "ratio", view);
  toggle("by-date", "byDate", "date", view);
  await painted();
  name(view).catch(() => (announce.textContent = "The names of the commits did not come.")); // the picture stands without them
  multiples = await smallOnes(view);
}

/** The charts of the other series, where the page has places for them. */
async function smallOnes(view) {
  const places = document.querySelectorAll("[data-line]");
  if (!places.length) return null;
  const { Multiples } = await import("./multiples.js");
  return new Multiples(places, view);
}

/** When what was drawn is on the screen: names can wait, the picture cannot. */
function painted() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/** The names of the commits of the points at hand; those of a view that is gone meanwhile are let go. */
async function name(view, query = "") {
  const asked = view.line, texts = await (query ? loadTexts(chart.texts, query) : (wholeTexts ??= loadTexts(chart.texts)));
  if (view.line === asked) view.name(texts);
}

/** Full detail of what is in view; the thinned whole again when all is. */
async function detail(view, range, all) {
  const query = range === null ? "" : `?start=${range[0]}&stop=${range[1]}`;
  const got = await wished(range === null ? all : loadLine(chart.line, query));
  if (!got || got === view.line || got.length < 2) return; // overtaken, there already, nothing to draw
  view.refine(got);
  await name(view, query);
}

async function open(view, position) {
  const texts = view.texts.has(position) ? view.texts : await loadTexts(chart.texts, `?start=${position}&stop=${position}`);
  window.open(`/commit/${texts.get(position).commit}`, "_top"); // out of a frame elsewhere
}

function toggle(id, option, parameter, view) {
  const box = document.getElementById(id);
  if (!box) return; // a frame elsewhere has fewer tools
  box.checked = address.searchParams.has(parameter);
  if (box.checked) view.set(option, true);
  box.addEventListener("change", () => {
    view.set(option, box.checked);
    if (box.checked) address.searchParams.set(parameter, "1");
    else address.searchParams.delete(parameter);
    history.replaceState(null, "", address);
  });
}

start().catch((error) => {
  host.replaceChildren(document.createTextNode(`The chart could not be drawn (${error.message}). The numbers are listed below.`));
});
