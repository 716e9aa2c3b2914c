// Pointer and keyboard of a chart. `view` is the SeriesChart.

export const CLICK_SLOP = 4; // pixels a pointer may move and still mean a click, not a drag
const REACH = 14; // pixels around a point that are the point, for a click

/** A click on a point chooses it, a double click shows all. */
export function listenToPointer(view, over) {
  let pressed = null;
  over.addEventListener("mousedown", (event) => (pressed = event.target.closest("a") ? null : event.clientX));
  over.addEventListener("dblclick", () => view.reset());
  over.addEventListener("click", (event) => {
    const index = view.plot.cursor.idx;
    if (pressed === null || Math.abs(event.clientX - pressed) > CLICK_SLOP || index === null) return;
    const [x, y] = view.at(index), box = over.getBoundingClientRect();
    if (Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y) < REACH) view.choose(index);
  });
}

/** Keys that the chart takes while it has the focus. */
export function key(view, event) {
  if (event.target !== view.host || event.ctrlKey || event.metaKey || event.altKey) return;
  const [min, max] = view.range(), middle = (min + max) / 2, half = (max - min) / 2;
  const [first, last] = view.full.map((position) => view.toX(position));
  const zoomed = (share) => view.zoom(Math.max(first, middle - half * share), Math.min(last, middle + half * share));
  const here = (act) => () => view.plot.cursor.idx !== null && act(view.plot.cursor.idx);
  const moves = {
    ArrowLeft: () => step(view, -1),
    ArrowRight: () => step(view, 1),
    Home: () => point(view, 0),
    End: () => point(view, view.line.length - 1),
    " ": here((index) => view.choose(index)),
    Enter: here((index) => view.on.open(view.line.position[index])),
    "+": () => zoomed(0.5),
    "=": () => zoomed(0.5),
    "-": () => zoomed(2),
    Escape: () => view.reset(),
  };
  const move = event.shiftKey && { ArrowLeft: () => pan(view, -half), ArrowRight: () => pan(view, half) }[event.key];
  if (!move && !moves[event.key]) return;
  event.preventDefault();
  (move || moves[event.key])();
}

/** To the point before or after the one under the cursor; one out of view is brought into it. */
function step(view, by) {
  const now = view.plot.cursor.idx ?? (by > 0 ? -1 : view.line.length);
  const index = Math.max(0, Math.min(view.line.length - 1, now + by));
  const [min, max] = view.range(), x = view.data[0][index];
  if (x < min || x > max) pan(view, (by * (max - min)) / 2);
  point(view, index);
}

function point(view, index) {
  const [left, top] = view.at(index);
  view.plot.setCursor({ left, top });
}

/** Move the view by so much of the x axis, not beyond its ends. */
function pan(view, by) {
  const [min, max] = view.range(), [first, last] = view.full.map((position) => view.toX(position));
  const moved = Math.max(first - min, Math.min(last - max, by));
  if (moved) view.zoom(min + moved, max + moved);
}
