const widest = 16 / 9;
const narrowest = 1;

export interface Grid {
  readonly columns: number;
  readonly width: number;
  readonly height: number;
}

/** The number of columns for which `count` tiles are largest in a box. All sizes are in px. */
export function fit(count: number, box: { readonly width: number; readonly height: number }, gap: number): Grid {
  let best: Grid = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const wide = Math.max(0, (box.width - gap * (columns - 1)) / columns);
    const high = Math.max(0, (box.height - gap * (rows - 1)) / rows);
    const width = Math.floor(Math.min(wide, high * widest));
    const height = Math.floor(Math.min(high, width / narrowest));
    if (width * height > best.width * best.height) best = { columns, width, height };
  }
  return best;
}
