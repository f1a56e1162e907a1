// Node: the packages that the stack's package.json pins, beside a copy of its program, and main.mjs.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Prepared } from '../languages.ts';
import { filledOnce, tool } from '../scratch.ts';
import { type Stack, WORLD } from '../stack.ts';

/** Modules of our own that programs of several stacks import, as the package `world-node`. */
const HELPERS = path.join(WORLD, 'node');

export function prepareNode(stack: Stack): Prepared {
  const manifest = path.join(stack.dir, 'package.json');
  const dir = filledOnce(stack.name, [manifest], (to) => {
    fs.copyFileSync(manifest, path.join(to, 'package.json'));
    tool('npm', ['install', '--silent', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: to });
  });
  // Node looks for packages beside a program, so the program goes where they are.
  fs.cpSync(stack.dir, dir, { recursive: true });
  fs.cpSync(HELPERS, path.join(dir, 'node_modules/world-node'), { recursive: true });
  const { dependencies } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { dependencies: Record<string, string> };
  return {
    command: [process.execPath, path.join(dir, 'main.mjs')],
    libraries: { node: process.versions.node, ...dependencies },
    paths: [[dir, '/app']],
  };
}
