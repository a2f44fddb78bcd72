import type { CheckDefinition, DirectoryCheck, SingleCheck } from '../../check-definition.ts';
import type { CheckResult, Severity } from '../../event.ts';
import { askAddressesOf } from './address.ts';
import { notAsked, oneLine, tooLate, type KindAnswer } from './answer.ts';
import { withinLimit } from './limit.ts';
import type { KindTools } from './kinds/tools.ts';
import type { AskContext } from '../observation.ts';

/**
 * Asks one check once. It is killed hard at its timeout and then counts as failed; interrupted, or where nobody could
 * answer, it is `unknown`. Nothing is remembered from earlier tries (F35). Never rejects: a check that crashes must not
 * keep a rollback from happening (F10).
 */
export async function askCheck(check: SingleCheck, context: AskContext): Promise<CheckResult> {
  const began = context.clock.monotonic();
  const answer = await bounded(check, context, (tools) => askKind(check, tools));
  return resultOf(check.name, check.severity, answer, context.clock.monotonic() - began);
}

/**
 * Asks a definition once: one result, or for a directory one a script (in the order of their names), or none where it has
 * no script. `inTurn` is how its parts wait for a free place.
 */
export async function askDefinition(
  check: CheckDefinition,
  context: AskContext,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<CheckResult[]> {
  if (check.kind !== 'directory') return [await inTurn(() => askCheck(check, context))];
  const began = context.clock.monotonic();
  const scripts = await inTurn(() => listBounded(check, context));
  if ('answer' in scripts) return [resultOf(check.name, check.severity, scripts, context.clock.monotonic() - began)];
  return Promise.all(scripts.map((script) => inTurn(() => askCheck(script, context))));
}

async function askKind(check: SingleCheck, tools: KindTools): Promise<KindAnswer> {
  // Each kind is loaded when it is first needed: most runs need one or two of them.
  switch (check.kind) {
    case 'exec':
      return (await import('./kinds/exec.ts')).askExec(check, tools);
    case 'host':
      return (await import('./kinds/host.ts')).askHost(check, tools);
    case 'http':
      return (await import('./kinds/http.ts')).askHttp(check, tools);
    case 'tcp':
      return (await import('./kinds/tcp.ts')).askTcp(check, tools);
    case 'dns':
      return (await import('./kinds/dns.ts')).askDns(check, tools);
    case 'systemd':
      return (await import('./kinds/systemd.ts')).askSystemd(check, tools);
    case 'plugin':
      return (await import('./kinds/plugin.ts')).askPlugin(check, tools);
    default:
      return check satisfies never;
  }
}

function listBounded(check: DirectoryCheck, context: AskContext): Promise<readonly SingleCheck[] | KindAnswer> {
  return bounded(check, context, async (tools) => {
    const { listScripts } = await import('./kinds/directory.ts');
    const scripts = await listScripts(check, tools);
    return scripts.ok ? scripts.value : scripts.error;
  });
}

async function bounded<T>(
  check: CheckDefinition,
  context: AskContext,
  work: (tools: KindTools) => Promise<T>,
): Promise<T | KindAnswer> {
  try {
    const end = await withinLimit(context.clock, check.timeoutMs, context.signal, (signal) =>
      work({ ...context, signal, askAddresses: askAddressesOf(context.platform, context.instance) }),
    );
    if (end.end === 'done') return end.value;
    return end.end === 'limit' ? tooLate(check.timeoutMs) : notAsked('guard was interrupted');
  } catch (error) {
    return notAsked(`a bug in guard: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function resultOf(name: string, severity: Severity, answer: KindAnswer, ms: number): CheckResult {
  return {
    name,
    severity,
    status: answer.answer,
    message: oneLine(answer.message),
    ms,
    ...(answer.timedOut ? { timedOut: true } : {}),
  };
}
