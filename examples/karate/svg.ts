/**
 * The picture: the network with true and predicted sides, and the residual of the fixed-point solve
 * by step.
 *
 * @module
 */
import { edges, factions, labelled, size } from "./data.ts";

const colours = ["#3b6fb6", "#d9822b"] as const;

/** Positions by springs along friendships and repulsion between all (Fruchterman and Reingold 1991). */
function layout(): [number, number][] {
  const at = Array.from({ length: size }, (_, i): [number, number] => [
    Math.cos(2.4 * i) * (1 + i / size),
    Math.sin(2.4 * i) * (1 + i / size),
  ]);
  for (let heat = 0.3; heat > 1e-3; heat *= 0.985) {
    const force = at.map((): [number, number] => [0, 0]);
    const pull = (i: number, j: number, f: (d: number) => number): void => {
      const dx = at[j]![0] - at[i]![0], dy = at[j]![1] - at[i]![1];
      const d = Math.hypot(dx, dy) + 1e-9;
      force[i]![0] += f(d) * dx / d;
      force[i]![1] += f(d) * dy / d;
    };
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) if (i !== j) pull(i, j, (d) => -0.12 / d);
    }
    for (const [a, b] of edges) {
      pull(a, b, (d) => d * d);
      pull(b, a, (d) => d * d);
    }
    at.forEach((p, i) => {
      const [fx, fy] = force[i]!;
      const f = Math.hypot(fx, fy) + 1e-9;
      p[0] += fx / f * Math.min(f, heat);
      p[1] += fy / f * Math.min(f, heat);
    });
  }
  return at;
}

/** Draws everything; `residuals` are the residual norms by step. */
export function draw(predicted: readonly number[], residuals: readonly number[]): string {
  const width = 640, height = 480, margin = 40;
  const at = layout();
  const range = (k: 0 | 1): [number, number] => {
    const v = at.map((p) => p[k]);
    return [Math.min(...v), Math.max(...v)];
  };
  const [x0, x1] = range(0), [y0, y1] = range(1);
  const px = (i: number): string =>
    (margin + (at[i]![0] - x0) / (x1 - x0) * (width - 2 * margin)).toFixed(1);
  const py = (i: number): string =>
    (margin + (at[i]![1] - y0) / (y1 - y0) * (height - 2 * margin)).toFixed(1);
  const lines = edges.map(([a, b]) =>
    `<line x1="${px(a)}" y1="${py(a)}" x2="${px(b)}" y2="${py(b)}"/>`
  );
  const nodes = factions.map((side, i) => {
    const ring = colours[predicted[i] as 0 | 1];
    const weight = labelled.includes(i) ? 13 : 10;
    return `<circle cx="${px(i)}" cy="${py(i)}" r="${weight}" fill="${colours[side as 0 | 1]}" ` +
      `stroke="${ring}"/><text x="${px(i)}" y="${py(i)}">${i}</text>`;
  });
  const correct = predicted.filter((p, i) => p === factions[i]).length;

  const left = width + 60, chart = 300, top = margin, bottom = height - margin;
  const logs = residuals.map((r) => Math.log10(Math.max(r, 1e-12)));
  const high = Math.ceil(Math.max(...logs)), low = Math.floor(Math.min(...logs));
  const cx = (k: number): number => left + k / Math.max(1, logs.length - 1) * chart;
  const cy = (v: number): number => bottom - (v - low) / Math.max(1, high - low) * (bottom - top);
  const ticks = Array.from({ length: high - low + 1 }, (_, k) => low + k).map((v) =>
    `<line x1="${left}" x2="${left + chart}" y1="${cy(v)}" y2="${cy(v)}"/>` +
    `<text x="${left - 8}" y="${cy(v) + 4}" text-anchor="end">1e${v}</text>`
  );
  const curve = logs.map((v, k) => `${cx(k).toFixed(1)},${cy(v).toFixed(1)}`).join(" ");
  const total = left + chart + margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${margin}" y="22">Zachary's karate club: fill is the true side, ring the predicted one (${correct} of ${size} right)</text>
<g stroke="#bbb">${lines.join("")}</g>
<g stroke-width="4" text-anchor="middle" font-size="10">${
    nodes.join("").replaceAll("<text ", '<text fill="white" dy="4" ')
  }</g>
<text x="${left}" y="22">Residual norm of the fixed-point solve, by evaluation</text>
<g stroke="#ddd" font-size="10">${ticks.join("").replaceAll("<text ", '<text stroke="none" ')}</g>
<polyline points="${curve}" fill="none" stroke="#333" stroke-width="1.5"/>
${
    logs.map((v, k) => `<circle cx="${cx(k).toFixed(1)}" cy="${cy(v).toFixed(1)}" r="2.5"/>`).join(
      "",
    )
  }
</svg>
`;
}
