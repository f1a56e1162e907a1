// Python: a virtual environment with what requirements.txt pins, and app.py.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Prepared } from '../languages.ts';
import { filledOnce, tool } from '../scratch.ts';
import type { Stack } from '../stack.ts';

export function preparePython(stack: Stack): Prepared {
  const requirements = path.join(stack.dir, 'requirements.txt');
  const dir = filledOnce(stack.name, [requirements], (to) => {
    tool(process.env.WORLD_PYTHON ?? 'python3', ['-m', 'venv', to]);
    tool(path.join(to, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  });
  const python = path.join(dir, 'bin/python');
  const pinned = fs.readFileSync(requirements, 'utf8').matchAll(/^([\w.-]+)(?:\[[\w,]+\])?==(\S+)/gm);
  const [version, home, prefix] = tool(python, [
    '-c',
    'import sys, os, platform; print(platform.python_version()); print(os.path.dirname(os.__file__)); print(sys.base_prefix)',
  ]).split('\n') as [string, string, string];
  return {
    command: [python, 'app.py'],
    libraries: { python: version, ...Object.fromEntries([...pinned].map(([, name, of]) => [name, of])) },
    environment: { PYTHONPATH: path.join(import.meta.dirname, 'python'), PYTHONDONTWRITEBYTECODE: '1' },
    paths: [
      [path.join(import.meta.dirname, 'python'), '/app'],
      [dir, '/app/.venv'],
      [stack.dir, '/app'],
      [home, `/usr/lib/python${version.replace(/\.\d+$/, '')}`],
      [prefix, '/usr'],
    ],
  };
}
