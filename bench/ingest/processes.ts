// What processes of this machine used, from /proc.
import * as fs from 'node:fs';

const TICKS = 100;

/** CPU seconds of a process and, where `children`, of all below it, ended ones included. */
export function cpuOf(pid: number, children = false): number {
  const fields = statOf(pid);
  if (!fields) return 0;
  const own = Number(fields[11]) + Number(fields[12]);
  const ended = children ? Number(fields[13]) + Number(fields[14]) : 0;
  const below = children ? childrenOf(pid).reduce((sum, child) => sum + cpuOf(child, true), 0) : 0;
  return (own + ended) / TICKS + below;
}

/** CPU seconds of everything on this machine since it started. */
export function cpuOfAll(): number {
  const [user, nice, system, , , irq, softirq] = fs
    .readFileSync('/proc/stat', 'utf8')
    .match(/\d+/g)!
    .map(Number) as number[];
  return (user! + nice! + system! + irq! + softirq!) / TICKS;
}

/** Most memory a process ever had, MB. */
export function peakMemoryOf(pid: number): number {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}

function childrenOf(pid: number): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statOf(Number(name))?.[1] === String(pid))
    .map(Number);
}

/** Fields of /proc/<pid>/stat from the state on. */
function statOf(pid: number): string[] | undefined {
  try {
    return fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}
