import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { httpDefaults, nameChecks } from '../../../../src/check-default.ts';
import type { HttpCheck } from '../../../../src/check-definition.ts';
import { askCheck } from '../../../../src/health/checks/check.ts';
import type { AskContext } from '../../../../src/health/observation.ts';
import { ok } from '../../../../src/result.ts';
import { certificateFile, closedPort, common, http, https, nowhere } from './asking.ts';

const ask = (url: string, more: Partial<HttpCheck> = {}, context: AskContext = nowhere) =>
  askCheck({ ...common, ...httpDefaults, kind: 'http', url, ...more }, context);

const withoutAddresses: AskContext = {
  ...nowhere,
  platform: {
    ...nowhere.platform,
    getInstanceState: () => Promise.resolve(ok({ status: 'Running', memoryBytes: 0, addresses: {}, disks: {} })),
  },
};

describe('the status', () => {
  it.each([
    [200, 'passed'],
    [301, 'passed'],
    [404, 'failed'],
    [502, 'failed'],
  ] as const)('%i: %s, where nothing else is said', async (status, answer) => {
    const port = await http((_request, response) => response.writeHead(status).end());
    const result = await ask(`http://127.0.0.1:${port}/`);
    expect(result).toMatchObject({ name: 'it', severity: 'required', status: answer });
    expect(result.message).toContain(String(status));
  });

  it('can be any that is wanted', async () => {
    const port = await http((_request, response) => response.writeHead(401).end());
    const status = [
      { first: 200, last: 204 },
      { first: 401, last: 401 },
    ];
    expect((await ask(`http://127.0.0.1:${port}/`, { status })).status).toBe('passed');
  });
});

describe('headers and body (F36)', () => {
  it('are compared, as text or as a pattern', async () => {
    const port = await http((_request, response) =>
      response.setHeader('X-Version', '4.9.1').end('Status:\nall is well\n'),
    );
    const url = `http://127.0.0.1:${port}/`;
    const version = (pattern: string) => ({ 'x-version': { kind: 'regex', pattern } }) as const;
    expect((await ask(url, { expectHeaders: version('^4\\.') })).status).toBe('passed');
    expect((await ask(url, { expectHeaders: version('^5\\.') })).message).toContain('4.9.1');
    expect((await ask(url, { expectBody: { kind: 'text', text: 'all is well' } })).status).toBe('passed');
    expect((await ask(url, { expectBody: { kind: 'regex', pattern: '^all is \\w+$' } })).status).toBe('passed');
    expect(await ask(url, { expectBody: { kind: 'text', text: 'welcome' } })).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('begins with Status: all is well') as string,
    });
    expect((await ask(url, { expectHeaders: { 'x-other': { kind: 'text', text: '' } } })).status).toBe('failed');
  });

  it('are not read without end', async () => {
    const port = await http((_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', write);
      write();
    });
    const result = await ask(`http://127.0.0.1:${port}/`, { expectBody: { kind: 'text', text: 'welcome' } });
    expect(result).toMatchObject({ status: 'failed', message: expect.stringContaining('first megabyte') as string });
  });

  it('cannot write control sequences into a report', async () => {
    const port = await http((_request, response) => response.end('\u001b[2J\u0007gone'));
    const result = await ask(`http://127.0.0.1:${port}/`, { expectBody: { kind: 'text', text: 'welcome' } });
    expect(result.message).toContain(String.raw`\x1b[2J\x07gone`);
  });
});

describe('the request', () => {
  it('carries the configured method and headers', async () => {
    let seen: [string | undefined, IncomingHttpHeaders] | null = null;
    const port = await http((request, response) => {
      seen = [request.method, request.headers];
      response.end();
    });
    await ask(`http://127.0.0.1:${port}/`, { method: 'HEAD', headers: { Host: 'www.example.org', 'X-One': '1' } });
    expect(seen).toEqual(['HEAD', expect.objectContaining({ host: 'www.example.org', 'x-one': '1' })]);
  });

  it('logs in as the URL says, and tells nobody the password', async () => {
    const port = await http((request, response) =>
      response.writeHead(request.headers.authorization === `Basic ${btoa('me:s3cret')}` ? 200 : 401).end(),
    );
    const url = `http://me:s3cret@127.0.0.1:${port}/`;
    const result = await ask(url);
    expect(result.status).toBe('passed');
    expect(result.message).not.toContain('s3cret');
    expect(nameChecks([{ ...common, ...httpDefaults, kind: 'http', url, name: null }])[0]?.name).toBe(
      `http://127.0.0.1:${port}/`,
    );
  });

  it('uses a new connection each time (F35)', async () => {
    const ports = new Set<number | undefined>();
    const port = await http((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    await ask(`http://127.0.0.1:${port}/`);
    await ask(`http://127.0.0.1:${port}/`);
    expect(ports.size).toBe(2);
  });
});

describe('redirects', () => {
  it('are followed only as far as allowed', async () => {
    const port = await http((request, response) => {
      const step = Number(request.url?.slice(1));
      if (step === 2) response.end('there');
      else response.writeHead(302, { location: `/${step + 1}` }).end();
    });
    const expectBody = { kind: 'text', text: 'there' } as const;
    expect((await ask(`http://127.0.0.1:${port}/0`, { redirects: 2, expectBody })).status).toBe('passed');
    expect((await ask(`http://127.0.0.1:${port}/0`, { redirects: 1, expectBody })).message).toContain(
      'more than 1 redirects',
    );
    expect((await ask(`http://127.0.0.1:${port}/0`, { redirects: 0, expectBody })).status).toBe('failed');
  });

  it.each([
    ['another port of this machine', (port: number) => `http://127.0.0.1:${port}/`],
    ['this machine by another name', (port: number) => `http://localhost:${port}/`],
    ['this machine by another notation', (port: number) => `http://0x7f000001:${port}/`],
    ['this machine as IPv6', (port: number) => `http://[::ffff:127.0.0.1]:${port}/`],
    ['the metadata of a cloud', () => 'http://169.254.169.254/'],
    ['a private network', () => 'http://10.255.255.254:9/'],
  ])('do not lead to %s, which root inside may have chosen', async (_name, location) => {
    let asked = 0;
    const other = await http((_request, response) => {
      asked += 1;
      response.end();
    });
    const port = await http((_request, response) => response.writeHead(302, { location: location(other) }).end());
    const result = await ask(`http://127.0.0.1:${port}/`, { redirects: 1 }, withoutAddresses);
    expect(result).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('it is not followed') as string,
    });
    expect(asked).toBe(0);
  });
});

describe('TLS', () => {
  const tls = httpDefaults.tls;

  it('is verified', async () => {
    const port = await https((_request, response) => response.end());
    expect(await ask(`https://127.0.0.1:${port}/`)).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('self-signed') as string,
    });
  });

  it('need not be', async () => {
    const port = await https((_request, response) => response.end());
    expect((await ask(`https://127.0.0.1:${port}/`, { tls: { ...tls, verify: false } })).status).toBe('passed');
  });

  it('trusts a CA file, and asks an address by a name', async () => {
    let host: string | undefined;
    const port = await https((request, response) => {
      host = request.headers.host;
      response.end();
    });
    const url = `https://127.0.0.1:${port}/`;
    const trusting = { ...tls, caFile: certificateFile };
    expect((await ask(url, { tls: { ...trusting, serverName: 'guard.test' } })).status).toBe('passed');
    expect(host).toBe(`guard.test:${port}`);
    expect((await ask(url, { tls: { ...trusting, serverName: 'other.test' } })).status).toBe('failed');
    expect((await ask(url, { tls: trusting })).status).toBe('failed');
  });

  it('cannot be asked about without its CA file', async () => {
    const result = await ask('https://127.0.0.1:1/', { tls: { ...tls, caFile: '/nonexistent/ca.pem' } });
    expect(result.status).toBe('unknown');
  });
});

describe('what goes wrong on the way', () => {
  it('fails when nobody listens', async () => {
    const result = await ask(`http://127.0.0.1:${await closedPort()}/`);
    expect(result).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('connection refused') as string,
    });
  });

  it('fails when the connection breaks', async () => {
    const port = await http((request) => request.socket.destroy());
    expect((await ask(`http://127.0.0.1:${port}/`)).status).toBe('failed');
  });

  it('is killed at its timeout, whether nothing comes or never an end (F35)', async () => {
    const silent = await http(() => {});
    expect(await ask(`http://127.0.0.1:${silent}/`, { timeoutMs: 100 })).toMatchObject({
      status: 'failed',
      message: 'no answer within 100 ms',
    });
    const endless = await http((_request, response) => response.write('a little'));
    const expectBody = { kind: 'text', text: 'welcome' } as const;
    expect((await ask(`http://127.0.0.1:${endless}/`, { timeoutMs: 100, expectBody })).status).toBe('failed');
  });

  it('cannot be asked when the URL is none', async () => {
    expect((await ask('ftp://127.0.0.1/')).status).toBe('unknown');
    expect((await ask('not a url')).status).toBe('unknown');
  });

  it('cannot be asked when Incus does not tell the address', async () => {
    expect((await ask('http://{address}/')).status).toBe('unknown');
  });

  it('cannot be asked after an interruption', async () => {
    const port = await http(() => {});
    const controller = new AbortController();
    const asked = askCheck(
      { ...common, ...httpDefaults, kind: 'http', url: `http://127.0.0.1:${port}/` },
      { ...nowhere, signal: controller.signal },
    );
    controller.abort();
    expect((await asked).status).toBe('unknown');
  });
});
