// The chart of deploy/helm as Helm takes it: linted, and rendered with the settings that change what is in it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { test } from 'node:test';

const CHART = path.join(import.meta.dirname, '../../deploy/helm/beacon');
const KUBERNETES = ['--kube-version', '1.31.0'];
const skip = spawnSync('helm', ['version']).status === 0 ? false : 'THE CHART IS NOT TESTED: this needs helm';
if (skip) console.error(skip);

function helm(...args: string[]): string {
  const done = spawnSync('helm', [...args, ...KUBERNETES], { encoding: 'utf8' });
  assert.equal(done.status, 0, `helm ${args.join(' ')}:\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

function rendered(...settings: string[]): Map<string, string> {
  const set = settings.flatMap((setting) => ['--set', setting]);
  helm('lint', '--strict', CHART, ...set);
  const documents = helm('template', 'beacon', CHART, ...set).split(/^---$/m);
  return new Map(
    documents.map((text) => [/^kind: (\w+)$/m.exec(text)?.[1] ?? '', text] as const).filter(([kind]) => kind),
  );
}

test('the chart passes the lint, and makes two replicas, their budget and a job that migrates first', { skip }, () => {
  const chart = rendered();
  assert.deepEqual([...chart.keys()].sort(), ['Deployment', 'Job', 'PodDisruptionBudget', 'Service']);
  const server = chart.get('Deployment') ?? '';
  assert.match(server, /^ {2}replicas: 2$/m);
  assert.match(server, /secretKeyRef: \{ name: beacon-database, key: url \}/);
  for (const held of ['readOnlyRootFilesystem: true', 'runAsNonRoot: true', 'path: /ready', 'path: /health']) {
    assert.ok(server.includes(held), held);
  }
  assert.match(chart.get('Job') ?? '', /helm\.sh\/hook: pre-install,pre-upgrade/);
});

test('a replica for readers, a cluster and more environment are asked for by values', { skip }, () => {
  const chart = rendered('database.readKey=readUrl', 'database.distribute=true', 'env.LOG_LEVEL=debug');
  assert.match(
    chart.get('Deployment') ?? '',
    /DATABASE_READ_URL[\s\S]*?key: readUrl[\s\S]*?LOG_LEVEL\n\s+value: "debug"/,
  );
  assert.match(chart.get('Job') ?? '', /- --distribute/);
});

test('readers alone take no spans, and one replica without migration has neither budget nor job', { skip }, () => {
  assert.match(rendered('readOnly=true').get('Deployment') ?? '', /- --read-only/);
  assert.deepEqual([...rendered('replicas=1', 'database.migrate=false').keys()].sort(), ['Deployment', 'Service']);
});
