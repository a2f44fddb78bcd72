import { err, ok, type Result } from '../result.ts';

/** The address of the metrics endpoint. Other machines cannot reach it. */
export type MetricsAddress =
  | { readonly kind: 'port'; readonly host: '127.0.0.1' | '::1'; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Reads `9469`, `127.0.0.1:9469`, `[::1]:9469`, `localhost:9469` or `unix:/run/guard.sock`. The error names the expected form. */
export function readMetricsAddress(text: string): Result<MetricsAddress, string> {
  const unix = /^unix:(\/.+)$/.exec(text)?.[1];
  if (unix !== undefined) return ok({ kind: 'unix', path: unix });
  const [, host = '', port = ''] = /^(?:(127\.0\.0\.1|localhost|\[::1\]):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === '' || Number(port) < 1 || Number(port) > 65_535)
    return err(`"${text}" is not a local address. Use 9469, [::1]:9469 or unix:/path/to/socket.`);
  return ok({ kind: 'port', host: host === '[::1]' ? '::1' : '127.0.0.1', port: Number(port) });
}
