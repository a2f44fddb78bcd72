import type { Mounts } from '../../facts.ts';
import type { Section } from '../../probe/sections.ts';

/** /proc/self/mounts, `fstab`, and the lines of /etc/fstab. File systems of the kernel itself are left out. */
export function mountsFrom(section: Section): Mounts | null {
  const fstabAt = section.lines.indexOf('fstab');
  if (section.status !== 0 || fstabAt < 0) return null;
  const mounted = section.lines.slice(0, Math.min(fstabAt, 2000)).flatMap((line) => {
    const [, path, type, options] = line.split(' ');
    if (
      path === undefined ||
      type === undefined ||
      options === undefined ||
      ofKernel.test(type) ||
      comesAndGoes.test(path)
    )
      return [];
    return [{ path: path.slice(0, 300), type, writable: /(^|,)rw(,|$)/.test(options) }];
  });
  const configured = section.lines.slice(fstabAt + 1, fstabAt + 500).flatMap((line) => {
    const [, path] = line.trim().split(/\s+/);
    return path?.startsWith('/') === true ? [path.slice(0, 300)] : [];
  });
  return { mounted, configured };
}

const ofKernel =
  /^(proc|sysfs|cgroup2?|devpts|mqueue|hugetlbfs|debugfs|tracefs|securityfs|pstore|bpf|configfs|fusectl|binfmt_misc|autofs|nsfs|rpc_pipefs|efivarfs|devtmpfs|ramfs|fuse\.lxcfs|squashfs)$/;

const comesAndGoes = /^\/(proc|sys|dev|run)(\/|$)|^\/var\/lib\/(docker|containers|containerd|kubelet|lxc|incus)\//;
