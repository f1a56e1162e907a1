// What a hosting platform's own command line tells, where it is installed and logged in. Secrets are never read out: of
// all variables only the flag is looked at.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface Platform {
  name: string;
  /** `absent`: not installed; `stranger`: not logged in; `failed`: it did not answer. */
  state: 'asked' | 'absent' | 'stranger' | 'failed';
  /** Value of ENABLE_DB_TRACING there; null where it is not set, or where the platform shows that it is set only. */
  flag: string | null;
  /** What was seen, or why nothing was, in words. */
  words: string;
}

interface Known {
  name: string;
  programs: string[];
  /** Succeeds when a user is logged in. */
  login: string[];
  /** Its answer is handed to `read`. */
  ask: string[];
  read(answer: string): { flag: string | null; words: string };
}

const WITHIN_MS = 5_000;
const FLAG = 'ENABLE_DB_TRACING';

const PLATFORMS: Known[] = [
  {
    name: 'Fly.io',
    programs: ['fly', 'flyctl'],
    login: ['auth', 'whoami'],
    ask: ['secrets', 'list', '--json'],
    read: (answer) => {
      const names = (JSON.parse(answer) as { Name?: string; name?: string }[]).map(({ Name, name }) => Name ?? name);
      return names.includes(FLAG)
        ? { flag: null, words: `${FLAG} is among the secrets; its value is not shown` }
        : { flag: null, words: `${FLAG} is not among the secrets` };
    },
  },
  {
    name: 'Railway',
    programs: ['railway'],
    login: ['whoami'],
    ask: ['variables', '--json'],
    read: (answer) => flagOf((JSON.parse(answer) as Record<string, string>)[FLAG]),
  },
  {
    name: 'Modal',
    programs: ['modal'],
    login: ['profile', 'current'],
    ask: ['app', 'list', '--json'],
    read: (answer) => ({ flag: null, words: `${(JSON.parse(answer) as unknown[]).length} apps` }),
  },
  {
    name: 'Neon',
    programs: ['neonctl', 'neon'],
    login: ['me', '--output', 'json'],
    ask: ['projects', 'list', '--output', 'json'],
    read: (answer) => {
      const given = JSON.parse(answer) as { projects?: object[] } | object[];
      const projects = (Array.isArray(given) ? given : (given.projects ?? [])) as { synthetic_storage_size?: number }[];
      const mb = projects.reduce((sum, one) => sum + (one.synthetic_storage_size ?? 0), 0) / 1e6;
      return { flag: null, words: `${projects.length} projects, ${mb.toFixed(0)} MB stored` };
    },
  },
];

function flagOf(value: string | undefined): { flag: string | null; words: string } {
  return {
    flag: value?.slice(0, 24) ?? null,
    words: `${FLAG} is ${value === undefined ? 'not set' : `"${value.slice(0, 24)}"`}`,
  };
}

/** Asks those that are installed, all at once. Never rejects. */
export function askPlatforms(env: NodeJS.ProcessEnv, dir: string): Promise<Platform[]> {
  return Promise.all(
    PLATFORMS.map(async ({ name, programs, login, ask, read }): Promise<Platform> => {
      const program = programs.map((each) => onPath(each, env.PATH)).find((found) => found !== undefined);
      if (!program) return { name, state: 'absent', flag: null, words: 'not installed' };
      const who = await run(program, login, env, dir);
      if (who === undefined) return { name, state: 'stranger', flag: null, words: 'not logged in' };
      const answer = await run(program, ask, env, dir);
      try {
        if (answer === undefined) throw new Error(`\`${path.basename(program)} ${ask.join(' ')}\` failed`);
        return { name, state: 'asked', ...read(answer) };
      } catch (error) {
        return { name, state: 'failed', flag: null, words: (error as Error).message.slice(0, 80) };
      }
    }),
  );
}

/** What was seen, and what could not be, in one line. */
export function platformWords(platforms: Platform[]): string {
  const seen = platforms.filter(({ state }) => state === 'asked').map(({ name, words }) => `${name}: ${words}`);
  const unseen = platforms.filter(({ state }) => state !== 'asked').map(({ name, words }) => `${name} (${words})`);
  return [...seen, ...(unseen.length > 0 ? [`not seen: ${unseen.join(', ')}`] : [])].join('; ');
}

function onPath(program: string, folders = ''): string | undefined {
  for (const folder of folders.split(path.delimiter).filter(Boolean)) {
    const file = path.join(folder, program);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return file;
    } catch {
      // The next folder, perhaps.
    }
  }
  return undefined;
}

function run(program: string, args: string[], env: NodeJS.ProcessEnv, cwd: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Without a terminal none of them asks for a login.
    const child = execFile(program, args, { env, cwd, timeout: WITHIN_MS, maxBuffer: 10e6 }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    );
    child.stdin?.end();
  });
}
