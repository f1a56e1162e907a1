// Rust: one program, built by cargo with the versions that Cargo.toml pins.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Prepared } from '../languages.ts';
import { filledOnce, tool } from '../scratch.ts';
import type { Stack } from '../stack.ts';

export function prepareRust(stack: Stack): Prepared {
  const manifest = path.join(stack.dir, 'Cargo.toml');
  const code = path.join(stack.dir, 'src');
  const sources = [manifest, ...fs.readdirSync(code).map((file) => path.join(code, file))];
  const dir = filledOnce(stack.name, sources, (to) => {
    fs.copyFileSync(manifest, path.join(to, 'Cargo.toml'));
    fs.cpSync(code, path.join(to, 'src'), { recursive: true });
    // Libraries that were built stay beside it: another version of the program then takes seconds.
    const target = path.join(path.dirname(to), `${stack.name}-target`);
    tool('cargo', ['build', '--release', '--quiet', '--target-dir', target], { cwd: to });
    fs.copyFileSync(path.join(target, 'release', stack.name), path.join(to, stack.name));
    fs.chmodSync(path.join(to, stack.name), 0o755);
  });
  const direct = tool('cargo', ['tree', '--depth', '1', '--prefix', 'none'], { cwd: dir });
  const versions = [...direct.matchAll(/^([\w-]+) v([\d.]+)$/gm)].map(([, name, of]) => [name, of] as [string, string]);
  return {
    command: [path.join(dir, stack.name)],
    libraries: { rust: tool('rustc', ['--version']).split(' ')[1] as string, ...Object.fromEntries(versions) },
    paths: [[dir, '/app']],
  };
}
