// A project of its own with the packages as a user gets them, from the tarballs and nothing else of this repository.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before } from 'node:test';
import { ROOT } from '../sources.ts';

export interface PackedProject {
  folder: string;
  /** Runs Node in the project, with the environment given on top of the present one. */
  node(args: string[], env?: Record<string, string>): Promise<{ code: number | null; output: string }>;
}

/** Packs before the tests of the file and removes everything after them. Call it at the top of the file. */
export function packedProject(): PackedProject {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-packed-'));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  before(() => {
    const packed = spawnSync(process.execPath, [path.join(ROOT, 'scripts/pack.ts'), folder], { encoding: 'utf8' });
    assert.equal(packed.status, 0, packed.stderr);
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
    for (const tarball of packed.stdout.trim().split('\n')) install(tarball, path.join(folder, 'node_modules'));
  });
  return {
    folder,
    async node(args, env = {}) {
      const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env }, stdio: 'pipe' });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text) => (output += text));
      const [code] = await once(child, 'close');
      return { code, output };
    },
  };
}

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** As npm would, but from what is installed here: only what the manifest names can be found. */
function install(tarball: string, modules: string): void {
  const name = /project-beacon-(\w+)-/.exec(tarball)?.[1] as string;
  const home = path.join(modules, '@project-beacon', name);
  fs.mkdirSync(home, { recursive: true });
  const unpacked = spawnSync('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
  assert.equal(unpacked.status, 0, String(unpacked.stderr));
  const manifest = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8')) as Manifest;
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const link = path.join(modules, dependency);
    const target = path.join(ROOT, 'node_modules', dependency);
    if (dependency.startsWith('@project-beacon/') || fs.existsSync(link) || !fs.existsSync(target)) continue;
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(target, link);
  }
}
