// What the repository consists of, for the checks that read it as text.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

export const ROOT = path.join(import.meta.dirname, '..');

/** Tracked and new files, relative to the root, that git does not ignore; those deleted but not committed are left out. */
export function sourceFiles(): string[] {
  const { stdout, status } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const listed = status === 0 ? stdout.split('\0').filter(Boolean) : walk(ROOT);
  return listed.filter((file) => fs.existsSync(path.join(ROOT, file))).sort();
}

export function read(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), 'utf8');
}

/** Without git (an unpacked archive) everything counts but what is built or installed. */
function walk(dir: string): string[] {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', '.beacon', '.git'].includes(entry.name)) return [];
    const file = path.join(dir, entry.name);
    return entry.isDirectory() ? walk(file) : [path.relative(ROOT, file)];
  });
}

/**
 * Module specifiers a TypeScript or JavaScript file imports: static, type-only, re-exported, dynamic, and `import('x').T`
 * in types. Comments do not count; specifiers that are computed cannot be seen.
 */
export function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].flatMap(({ groups }) => groups?.specifier ?? groups?.specifier2 ?? []);
}

// Comments and template texts are matched first, so that an `import` within them is passed over.
const IMPORT =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|`(?:[^`\\]|\\.)*`|\b(?:import|export)\b(?:\s+type\b)?\s*(?:\*(?:\s*as\s+\w+)?|[\w$]+\s*,?\s*(?:\{[^}]*\}|\*\s*as\s+\w+)?|\{[^}]*\})\s*from\s*(['"])(?<specifier>[^'"]+)\1|\bimport\s*\(?\s*(['"])(?<specifier2>[^'"]+)\3/g;
