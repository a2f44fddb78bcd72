import { connect } from 'node:net';
import type { TcpCheck } from '../../../check-definition.ts';
import { fillAddress } from '../address.ts';
import { answerOfNetworkError, failed, oneLine, passed, type KindAnswer } from '../answer.ts';
import { matches, sayMatch } from '../match.ts';
import type { KindTools } from './tools.ts';

/** Connects, sends what is to be sent, and waits for what is expected. */
export async function askTcp(check: TcpCheck, tools: KindTools): Promise<KindAnswer> {
  const address = await fillAddress(check.address, tools.askAddresses);
  return address.ok ? converse(check, address.value, tools.signal) : address.error;
}

const mostBytes = 64 * 1024;

function converse(check: TcpCheck, host: string, signal: AbortSignal): Promise<KindAnswer> {
  return new Promise((resolve) => {
    const target = `${host} port ${check.port}`;
    const socket = connect({ host, port: check.port });
    let heard = '';
    function end(answer: KindAnswer): void {
      resolve(answer);
      socket.destroy();
    }
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.setEncoding('utf8');
    socket.on('error', (error) => end(answerOfNetworkError(error, target)));
    socket.once('connect', () => {
      if (check.send !== null) socket.write(check.send);
      if (check.expect === null) end(passed(`${target} accepts connections`));
    });
    socket.on('data', (chunk: string) => {
      heard += chunk;
      if (check.expect === null) return;
      if (matches(check.expect, heard)) end(passed(`${target} said ${oneLine(heard, 80)}`));
      else if (heard.length >= mostBytes) end(unexpected(check, target, heard));
    });
    socket.once('end', () => end(unexpected(check, target, heard)));
  });
}

function unexpected(check: TcpCheck, target: string, heard: string): KindAnswer {
  const said = heard === '' ? 'it sent nothing and closed the connection' : `it said ${oneLine(heard, 80)}`;
  return failed(check.expect === null ? `${target}: ${said}` : `${target} does not ${sayMatch(check.expect)}: ${said}`);
}
