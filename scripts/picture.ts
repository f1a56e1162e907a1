// `npm run picture`: runs `beacon start` in a terminal and draws what stood in it as docs/start.svg. Nothing in the
// picture is made up, only the line that says that it stopped is left out; with a file as argument the recorded output in it is drawn instead.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ROOT } from './sources.ts';
import { svgOf } from './terminal-svg.ts';

const COLUMNS = 112;
const [recording] = process.argv.slice(2);
const output = recording ? fs.readFileSync(recording, 'utf8') : record();
fs.mkdirSync(path.join(ROOT, 'docs'), { recursive: true });
fs.writeFileSync(
  path.join(ROOT, 'docs/start.svg'),
  svgOf(`$ npm start\n\n${output.replace(/\s*Stopped\.[^\n]*\s*$/, '')}`, COLUMNS),
);
console.log('Written: docs/start.svg');

/** Runs in a folder of its own, under `script` (util-linux), which gives the program a terminal to write to. */
function record(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-picture-'));
  fs.chmodSync(folder, 0o755);
  const main = path.join(ROOT, 'packages/server/src/main.ts');
  const env = {
    ...process.env,
    COLUMNS: String(COLUMNS),
    TERM: 'xterm-256color',
    NO_COLOR: '',
    DATABASE_URL: undefined,
  };
  try {
    const command = `stty cols ${COLUMNS}; exec '${process.execPath}' '${main}' start --once`;
    const { stdout, status, error } = spawnSync('script', ['-qec', command, '/dev/null'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(error?.message ?? `beacon start ended with code ${status}:\n${stdout}`);
    return stdout;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
