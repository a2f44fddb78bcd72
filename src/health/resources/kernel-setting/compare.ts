import type { Difference } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** Settings of the kernel that changed, and those that nothing sets at the next boot any more. */
export function compareKernelSettings(comparison: Comparison): Difference[] {
  const [was, is] = [comparison.before.kernel, comparison.after.kernel];
  if (was == null || is == null) return [];
  return [
    ...Object.entries(was.configured)
      .filter(([key, { value }]) => is.configured[key]?.value !== value)
      .map(([key, { value, file }]): Difference => {
        const now = is.configured[key];
        const packaged = !file.startsWith('/etc/') || comparison.before.packaged?.[file] !== undefined;
        return {
          resource: 'kernel-setting',
          change: now === undefined ? 'lost' : 'changed',
          name: key,
          subject: `kernel-setting:${key}`,
          message:
            now === undefined
              ? `${file} set ${key} to ${value}, and nothing sets it at the next boot any more`
              : `${file} set ${key} to ${value}, and ${now.file} sets it to ${now.value} now`,
          transient: false,
          traits: [
            ...(packaged ? (['packaged'] as const) : []),
            ...(isRemoved(comparison, file) ? (['removed'] as const) : []),
          ],
        };
      }),
    ...Object.entries(was.current)
      .filter(
        ([key, value]) =>
          meant(key, value, was.configured[key]?.value) && is.current[key] !== undefined && is.current[key] !== value,
      )
      .map(([key, value]): Difference => ({
        resource: 'kernel-setting',
        change: 'reset',
        name: key,
        subject: `kernel-setting:${key}`,
        message: `${key} was ${value}, is ${is.current[key] ?? ''} now`,
        transient: true,
        traits: [],
      })),
  ];
}

/** It was as configured, or forwarding was on. */
function meant(key: string, value: string, configured: string | undefined): boolean {
  return configured === value || (/forward/.test(key) && value === '1');
}
