/** The server that test/servers/run.sh has brought up: incus6, incus7 or lxd5. */
export const server = process.env['GUARD_TEST_SERVER'] ?? '';

/** Its name for test/host/host.ts. */
export const hostName = server === 'incus6' ? (process.env['GUARD_TEST_HOST'] ?? 'main') : server;
