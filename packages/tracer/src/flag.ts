/** The switch as this process found it. */
export interface Flag {
  enabled: boolean;
  /** What was found, fit for a log line; `<unset>` when nothing was. */
  text: string;
  source: 'environment' | 'option' | 'default';
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
    source: option === undefined ? 'environment' : 'option',
    known: enabled || OFF.includes(value),
  };
}

/** The line that says at start what the switch was found to be. */
export function flagLine(flag: Flag, missing?: string): string {
  const state = flag.enabled && missing === undefined ? 'ENABLED' : 'DISABLED';
  const from = flag.source === 'option' ? ', from the option "flag"' : '';
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
