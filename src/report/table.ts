/** The stream that a table is for. */
export interface TableScreen {
  /** A terminal's width; what is longer is cut. A pipe has none, and nothing is cut. */
  readonly columns?: number;
  /** A terminal's own: obeys NO_COLOR, FORCE_COLOR and TERM. */
  readonly hasColors?: (count: number) => boolean;
}

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** On a narrow terminal the columns with the highest numbers go first; 0 stays. */
  readonly dispensable: number;
}

/** What the last column must have at least before another one goes. */
const leastLast = 16;

/** The heading and a line for each row. On a narrow screen less important columns are left out and long lines are cut. */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { columns: width = Infinity }: TableScreen = {},
): string[] {
  const shown = fitting(rows, columns, width);
  const line = (cells: readonly string[]): string =>
    cut(cells.map((cell, index) => cell.padEnd(shown.widths[index] ?? 0)).join('  '), width);
  return [
    line(shown.columns.map(({ title }) => title)),
    ...rows.map((row) => line(shown.columns.map(({ cell }) => cell(row)))),
  ];
}

interface TableLayout<Row> {
  readonly columns: readonly Column<Row>[];
  readonly widths: readonly number[];
}

function fitting<Row>(rows: readonly Row[], wanted: readonly Column<Row>[], width: number): TableLayout<Row> {
  const widths = wanted.map(({ title, cell }) => Math.max(title.length, ...rows.map((row) => cell(row).length)));
  const others = widths.slice(0, -1).reduce((sum, columnWidth) => sum + columnWidth + 2, 0);
  const least = Math.max(...wanted.map(({ dispensable }) => dispensable));
  if (others + leastLast <= width || least === 0) return { columns: wanted, widths };
  return fitting(
    rows,
    wanted.filter(({ dispensable }) => dispensable !== least),
    width,
  );
}

function cut(line: string, width: number): string {
  const trimmed = line.trimEnd();
  return trimmed.length > width ? `${trimmed.slice(0, Math.max(1, width - 1))}…` : trimmed;
}
