// `npm run picture`: runs `beacon start` and draws what it printed as docs/start.svg. Nothing in the
// picture is made up, only the line that says that it stopped is left out; with a file as argument the recorded output in it
// is drawn instead, and with a name and a command as docs/<name>.svg of that command. Then the pages of the web interface are
// taken; `npm run picture -- web` takes only them.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ROOT } from './sources.ts';
import { svgOf } from './terminal-svg.ts';

const COLUMNS = 112;
const [recording, name = 'start', command = 'npm start'] = process.argv.slice(2);
fs.mkdirSync(path.join(ROOT, 'docs'), { recursive: true });
if (recording !== 'web') drawTerminal(recording ? fs.readFileSync(recording, 'utf8') : record());
if (recording === undefined || recording === 'web') takeWeb();

function drawTerminal(output: string): void {
  const shown = `$ ${command}\n\n${output.replace(/\s*Stopped\.[^\n]*\s*$/, '')}`;
  fs.writeFileSync(path.join(ROOT, `docs/${name}.svg`), svgOf(shown, COLUMNS));
  console.log(`Written: docs/${name}.svg`);
}

function takeWeb(): void {
  const script = path.join(ROOT, 'scripts/web-pictures.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The pictures of the web interface failed:\n${stdout}${stderr}`);
  console.log('Written: docs/web-answers.png, docs/web-explore.png, docs/web-execution.png');
}

/** Runs in a folder of its own, so that the picture shows a first start. */
function record(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-picture-'));
  fs.chmodSync(folder, 0o755);
  const main = path.join(ROOT, 'packages/server/src/main.ts');
  const { DATABASE_URL: _, NO_COLOR: __, ...inherited } = process.env;
  const env = { ...inherited, COLUMNS: String(COLUMNS), FORCE_COLOR: '1' };
  try {
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, 'start', '--once'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`beacon start ended with code ${status}:\n${stdout}${stderr}`);
    return stdout;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
