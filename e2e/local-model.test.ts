// `npm start -- --model local`: a real model answers, where it is there. `npm run model` fetches it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

const LOCAL_MODEL_FILE = 'gemma-3-270m-q4_k_m.gguf';
const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'packages/server/src/main.ts');
const MODEL = process.env.LOCAL_MODEL ?? join(ROOT, '.beacon/models', LOCAL_MODEL_FILE);
const missing = [
  ...(existsSync(MODEL) ? [] : ['npm run model']),
  ...(existsSync(join(ROOT, 'node_modules/node-llama-cpp')) ? [] : ['npm install --no-save node-llama-cpp@3.21.1']),
];
const skip = missing.length > 0 ? `THE LOCAL MODEL IS NOT TESTED: it takes ${missing.join(' and ')}` : false;
if (skip) console.error(skip);

const dir = mkdtempSync(join(tmpdir(), 'beacon-local-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function startOnce(...args: string[]) {
  const { DATABASE_URL, LOCAL_MODEL, ...env } = process.env;
  const flags = ['start', '--once', '--json', '--any-port', '--dir', dir, ...args];
  return promisify(execFile)(process.execPath, [MAIN, ...flags], { env, maxBuffer: 1e8 });
}

test('a local model that is not there is named with the commands that get it', async () => {
  const { code, stderr } = await startOnce('--model', 'local').then(
    () => assert.fail('it started'),
    (error: { code: number; stderr: string }) => error,
  );
  assert.equal(code, 1);
  assert.match(stderr, /The local model is not there yet\. Run `npm run model`/);
});

test('a real model answers the sample job: one region differs, one fails, and the two are kept apart', {
  skip,
}, async () => {
  mkdirSync(join(dir, 'models'), { recursive: true });
  const file = join(dir, 'models', LOCAL_MODEL_FILE);
  try {
    linkSync(MODEL, file);
  } catch {
    symlinkSync(MODEL, file);
  }
  const { stdout } = await startOnce('--model', 'local');
  const { sample: report } = JSON.parse(stdout) as { sample: { validity: Cell[]; answers: Answers[] } };
  const cells = Object.fromEntries(report.validity.map((row) => [row.region, row]));
  assert.deepEqual(
    report.validity.map(({ region, cells, answered, infrastructure, simulated, response_models }) => {
      return { region, cells, answered, infrastructure, simulated, response_models };
    }),
    [
      {
        region: 'asia-southeast',
        cells: 2,
        answered: 2,
        infrastructure: 0,
        simulated: 0,
        response_models: ['gemma-3-270m'],
      },
      { region: 'eu-west', cells: 2, answered: 0, infrastructure: 2, simulated: 0, response_models: [] },
      { region: 'us-east', cells: 2, answered: 2, infrastructure: 0, simulated: 0, response_models: ['gemma-3-270m'] },
    ],
  );
  assert.ok(Number(cells['us-east']?.tokens_in) > 0);
  const sums = report.answers.find(({ question }) => question === 'What is 2+2?');
  assert.deepEqual(
    sums?.groups.map(({ answer }) => answer),
    ['4'],
  );
  const capital = report.answers.find(({ question }) => question === 'Capital of Australia?');
  assert.equal(capital?.differs, true);
  assert.equal(capital?.others[0]?.validity, 'infrastructure');
});

interface Cell {
  region: string;
  cells: number;
  answered: number;
  infrastructure: number;
  simulated: number;
  tokens_in: number;
  response_models: string[];
}

interface Answers {
  question: string;
  differs: boolean;
  groups: { answer: string }[];
  others: { validity: string }[];
}
