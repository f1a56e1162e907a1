// Go: one program, built with what go.mod pins.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Prepared } from '../languages.ts';
import { filledOnce, tool } from '../scratch.ts';
import { type Stack, WORLD } from '../stack.ts';

/** What all Go programs set OpenTelemetry up with. */
const TELEMETRY = path.join(WORLD, 'telemetry/go');

export function prepareGo(stack: Stack): Prepared {
  const sources = [stack.dir, TELEMETRY].flatMap((dir) =>
    fs
      .readdirSync(dir)
      .filter((file) => /^go\.(?:mod|sum)$|\.go$/.test(file))
      .map((file) => path.join(dir, file)),
  );
  const dir = filledOnce(stack.name, sources, (to) => {
    tool('go', ['build', '-trimpath', '-buildvcs=false', '-o', path.join(to, stack.name), '.'], { cwd: stack.dir });
  });
  const direct =
    '{{if not (or .Indirect .Main)}}{{with .Replace}}{{.Path}} {{.Version}}{{else}}{{.Path}} {{.Version}}{{end}}{{end}}';
  const listed = tool('go', ['list', '-m', '-f', direct, 'all'], { cwd: stack.dir });
  const pinned = [...listed.matchAll(/^(\S+) (\S+)$/gm)].map(([, name, of]) => [name, of] as [string, string]);
  return {
    command: [path.join(dir, stack.name)],
    libraries: { go: tool('go', ['env', 'GOVERSION']).trim().replace(/^go/, ''), ...Object.fromEntries(pinned) },
    paths: [
      [dir, '/app'],
      [stack.dir, '/app'],
    ],
  };
}
