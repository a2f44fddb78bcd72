/** What `--report` writes. */
export const reportFormats = ['junit', 'json', 'markdown', 'html'] as const;

export type ReportFormat = (typeof reportFormats)[number];

/** One `--report FORMAT=FILE`. */
export interface ReportFile {
  readonly format: ReportFormat;
  readonly path: string;
}
