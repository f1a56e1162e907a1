import * as fs from 'node:fs';
import * as path from 'node:path';

/** The switch as this process found it. */
export interface Flag {
  enabled: boolean;
  /** What was found, fit for a log line; `<unset>` when nothing was. */
  text: string;
  /** `file`: an env file put it into the environment after the process had started (seen on Linux only). */
  source: 'environment' | 'file' | 'option' | 'default';
  /** Whether the text is one of the accepted values. */
  known: boolean;
}

const ON = ['true', '1', 'on', 'yes'];
const OFF = ['false', '0', 'off', 'no', ''];

/**
 * Reads ENABLE_DB_TRACING: `true`, `1`, `on`, `yes` switch tracing on; `false`, `0`, `off`, `no` and nothing switch it
 * off; case and surrounding blanks do not matter. Anything else is a mistake, and leaves it off.
 *
 * @param option Wins over the environment.
 */
export function readFlag(option: string | undefined, environment: string | undefined): Flag {
  const found = option ?? environment;
  if (found === undefined) return { enabled: false, text: '<unset>', source: 'default', known: true };
  const value = found.trim().toLowerCase();
  const enabled = ON.includes(value);
  return {
    enabled,
    text: printable(found),
    source: option !== undefined ? 'option' : cameFromFile() ? 'file' : 'environment',
    known: enabled || OFF.includes(value),
  };
}

const NAME = 'ENABLE_DB_TRACING';

/** Whether the process began without it and an env file has it: a file is changed elsewhere than an environment. */
function cameFromFile(): boolean {
  try {
    const atStart = fs.readFileSync('/proc/self/environ', 'latin1').split('\0');
    if (atStart.some((entry) => entry.startsWith(`${NAME}=`))) return false;
  } catch {
    return false;
  }
  const given = process.execArgv.flatMap((option, i, all) => {
    const found = /^--env-file(?:-if-exists)?(?:=(.*))?$/.exec(option);
    return found ? (found[1] ?? all[i + 1] ?? []) : [];
  });
  return [...given, '.env', '.env.local', '.env.production'].some((file) => {
    try {
      return new RegExp(`^\\s*(?:export\\s+)?${NAME}\\s*=`, 'm').test(fs.readFileSync(path.resolve(file), 'utf8'));
    } catch {
      return false;
    }
  });
}

/** The line that says at start what the switch was found to be. */
export function flagLine(flag: Flag, missing?: string): string {
  const state = flag.enabled && missing === undefined ? 'ENABLED' : 'DISABLED';
  const from =
    flag.source === 'option' ? ', from the option "flag"' : flag.source === 'file' ? ', from an env file' : '';
  const unknown = flag.known
    ? ''
    : `: not an accepted value. On: ${ON.join(', ')}; off: ${OFF.filter(Boolean).join(', ')} or empty`;
  return `DBTracer: ${state} (ENABLE_DB_TRACING=${flag.text}${from})${unknown}${missing === undefined ? '' : `: ${missing}`}`;
}

/** A flag may hold anything, a secret pasted into the wrong line included: its start is enough to find it. */
function printable(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 24 ? `${clean.slice(0, 24)}…` : clean;
}
