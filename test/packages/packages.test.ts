import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, remove } from '../e2e/incus-subject.ts';
import { install, packageFolder, packageHost } from './package-host.ts';

const target = 'pk-target';

beforeAll(() => launch(target));
afterAll(() => remove(target));

test.each(['guard', 'guard-static'])('lintian has nothing against %s', async (name) => {
  const file = (await readdir(packageFolder)).find((entry) => entry.startsWith(`${name}_`)) ?? '';
  const { stdout, exitCode } = await execa(
    'lintian',
    ['--fail-on', 'error,warning', '--tag-display-limit', '0', join(packageFolder, file)],
    { reject: false },
  );
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
});

test('guard and guard-static replace each other, with the same configuration and records', async () => {
  const { must, begin, remove: removeHost } = packageHost('pk-replace', 'trixie');
  await begin();
  await must(`apt-get update --quiet && ${install} /root/guard_*.deb`);
  await must(`guard --soak 0s ${target} -- true && echo "# mine" >>/etc/guard/guard.yaml`);
  for (const [next, before] of [
    ['guard-static', 'guard'],
    ['guard', 'guard-static'],
  ]) {
    await must(`${install} /root/${next}_*.deb`);
    await must(`dpkg --purge ${before}`);
    expect(await must('tail -n 1 /etc/guard/guard.yaml')).toBe('# mine');
    expect(await must('guard runs')).toContain(target);
  }
  await removeHost();
});

test('manual pages and completions are where man and the shells look for them', async () => {
  const { must, begin, remove: removeHost } = packageHost('pk-shells', 'trixie');
  await begin();
  await must(`apt-get update --quiet && ${install} /root/guard-static_*.deb man-db bash-completion zsh fish`);
  expect(await must('man --pager=cat guard | head -n 1')).toMatch(/^GUARD\(1\)/);
  expect(await must('man --pager=cat 5 guard.yaml | head -n 1')).toMatch(/^GUARD\.YAML\(5\)/);
  expect(await must('apropos guard')).toMatch(/^guard \(1\) .*\nguard\.yaml \(5\) /m);
  const bash = `. /usr/share/bash-completion/bash_completion
    declare -F _comp_load >/dev/null && _comp_load guard || _completion_loader guard
    COMP_LINE="guard rec"; COMP_POINT=9; COMP_WORDS=(guard rec); COMP_CWORD=1
    $(complete -p guard | sed "s/.*-F \\([^ ]*\\).*/\\1/"); echo "\${COMPREPLY[@]}"`;
  expect(await must(`cat >/root/bash <<'EOF'\n${bash}\nEOF\nbash /root/bash`)).toBe('recover');
  expect(await must(`fish --command 'complete --do-complete "guard rec"'`)).toMatch(/^recover/);
  expect(await must(`zsh -c 'autoload -Uz compinit && compinit -u -D && echo $_comps[guard]'`)).toBe('_guard');
  await removeHost();
});

test('on the Node of bookworm it says one sentence', async () => {
  const { run, must, begin, remove: removeHost } = packageHost('pk-node18', 'bookworm');
  await begin();
  await must(`${install} nodejs`);
  expect((await run(`${install} /root/guard_*.deb`)).status).not.toBe(0);
  await must('dpkg --unpack --force-depends /root/guard_*.deb');
  for (const words of [`${target} -- true`, '--version', 'doctor', 'agent', 'completion bash', 'nonsense']) {
    const { status, stdout, stderr } = await run(`guard ${words}`);
    expect({ words, status, stdout }).toEqual({ words, status: 70, stdout: '' });
    expect(stderr).toMatch(/^guard: guard needs Node 20\.19 or later .* this is Node 18\.[\d.]+: install .*\.$/);
  }
  await removeHost();
});
