// The series page: fetches the points, wires the chart to its tools and to the address.

import { SeriesChart } from "./chart.js";

const DETAIL_DELAY = 150; // milliseconds a view must rest before its full detail is fetched
const chart = JSON.parse(document.getElementById("chart-data").textContent);
const host = document.getElementById("plot");
const reset = document.getElementById("reset");
const announce = document.getElementById("announce");
const address = new URL(location.href);

async function load(query = "") {
  const answer = await fetch(chart.points + query);
  if (!answer.ok) throw new Error(`the points did not come: ${answer.status}`);
  return answer.json();
}

async function start() {
  const all = await load();
  let waiting = 0;
  const view = new SeriesChart(host, chart, all.points, {
    open: (point) => (location.href = `/commit/${point.commit}`),
    choose: (point) => window.htmx?.ajax("GET", `${chart.details}${point.position}`, "#point"),
    hover: (text) => document.activeElement === host && (announce.textContent = text),
    zoom: (range) => {
      reset.disabled = range === null;
      clearTimeout(waiting);
      if (all.decimated) waiting = setTimeout(() => detail(view, range, all), DETAIL_DELAY);
    },
  });
  reset.addEventListener("click", () => view.reset());
  toggle("from-zero", "fromZero", "zero", view);
  toggle("log", "log", "log", view);
  toggle("ratio", "ratio", "ratio", view);
  toggle("by-date", "byDate", "date", view);
}

/** Full detail of what is in view; the thinned whole again when all is. */
async function detail(view, range, all) {
  const got = range === null ? all : await load(`?start=${range[0]}&stop=${range[1]}`);
  if (got.points.length > 1) view.refine(got.points);
}

function toggle(id, option, parameter, view) {
  const box = document.getElementById(id);
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
