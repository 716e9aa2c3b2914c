// The points of a series as columns of numbers, and the texts of their commits, which come later.

/** Columns `position`, `time` (seconds), `value`, `low`, `high` (NaN where unknown) of `length` points, of `total` in range. */
export class Line {
  constructor(buffer) {
    const all = new Float64Array(buffer);
    this.total = all[0];
    this.length = (all.length - 1) / 5;
    const column = (i) => all.subarray(1 + i * this.length, 1 + (i + 1) * this.length);
    [this.position, this.time, this.value, this.low, this.high] = [0, 1, 2, 3, 4].map(column);
  }

  /** Whether points in range were left out, since the drawing is the same without. */
  get thinned() {
    return this.length < this.total;
  }
}

async function get(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the points did not come: ${answer.status}`);
  return answer;
}

export async function loadLine(address, query = "") {
  return new Line(await (await get(address + query)).arrayBuffer());
}

/** Waits for what is asked for, one after the other; what was overtaken by a newer wish comes to null. */
export function newest() {
  let asked = 0;
  return async (coming) => {
    const own = ++asked, got = await coming;
    return own === asked ? got : null;
  };
}

/** Position -> commit, subject, author of each point that a line with this query has. */
export async function loadTexts(address, query = "") {
  const { points } = await (await get(address + query)).json();
  return new Map(points.map((point) => [point.position, point]));
}
