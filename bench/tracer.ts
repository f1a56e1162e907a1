// What tracing costs an application, beside OpenTelemetry's own SDK, in one run. Run: npm run bench:tracer
//   [-- --rounds N] [--json FILE]; DATABASE_URL names a migrated database to write to instead of a throwaway one.
import * as fs from 'node:fs';
import * as os from 'node:os';
import { parseArgs } from 'node:util';
import { migratedServer } from '@project-beacon/testkit/migrated.ts';
import { work } from './tracer/jobs.ts';
import { median, runCase, sink, startSink, startWorker, throughput } from './tracer/processes.ts';

const { values } = parseArgs({
  options: {
    case: { type: 'string' },
    variant: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});

async function runAsChild(what: string, variant: string): Promise<void> {
  if (what === 'sink') return sink();
  if (what === 'jobs') return (await import('./tracer/jobs.ts')).jobs(variant);
  const { burst, cpu, off, thread } = await import('./tracer/cases.ts');
  const measured = await { burst, cpu, off, thread }[what]!(variant);
  process.stdout.write(JSON.stringify(measured), () => process.exit(0));
}

interface Figure {
  name: string;
  unit: string;
  beacon: number;
  against: number | null;
  /** What it is compared with. */
  with: string;
  ratio: number | null;
  target: string;
  met: boolean | null;
}

async function main(): Promise<void> {
  const rounds = Number(values.rounds);
  const server = process.env.DATABASE_URL ? undefined : await migratedServer();
  const databaseUrl = process.env.DATABASE_URL ?? server!.url;
  const receiver = await startSink();
  const env = { DATABASE_URL: databaseUrl, SINK_URL: receiver.url };
  const figures: Figure[] = [];
  try {
    console.log(`Medians of ${rounds} rounds, the variants taking turns, each in a process of its own.`);
    console.log(
      `Node ${process.versions.node}, ${os.availableParallelism()} cores, ${os.cpus()[0]?.model ?? 'unknown'}.`,
    );
    console.log('Spans: ten attributes of 20 + 20 characters, ten spans a trace. PostgreSQL on the same machine.\n');
    const measure = async (what: string, variants: string[], times = rounds) => {
      const found: Record<string, Record<string, number>[]> = {};
      for (let round = 0; round < times; round++) {
        for (const variant of round % 2 ? variants.toReversed() : variants) {
          found[variant] = [...(found[variant] ?? []), await runCase(what, variant, env)];
        }
      }
      return (variant: string, name: string) => median(found[variant]!.map((one) => one[name]!));
    };

    const off = await measure('off', [
      'api startSpan',
      'beacon startSpan',
      'api startActiveSpan',
      'beacon withSpan',
      'beacon setExecutionContext',
    ]);
    const callSite = (name: string, site: string, api?: string) =>
      add(figures, {
        name,
        unit: 'ns',
        beacon: off(site, 'ns'),
        against: api ? off(api, 'ns') : null,
        with: api ? 'OTel API without SDK' : '',
        target: '<= 50 ns',
        met: off(site, 'ns') <= 50,
      });
    callSite('flag off: startSpan + end', 'beacon startSpan', 'api startSpan');
    callSite('flag off: withSpan', 'beacon withSpan', 'api startActiveSpan');
    callSite('flag off: setExecutionContext', 'beacon setExecutionContext');

    const thread = await measure('thread', ['bare', 'batch', 'beacon'], 3 * rounds);
    const onThread = thread('beacon', 'us');
    add(figures, {
      name: "on the app's thread, a span",
      unit: 'us',
      beacon: onThread,
      against: thread('bare', 'us'),
      with: 'SDK without processor',
      target: '<= 1.15 x',
      met: onThread <= 1.15 * thread('bare', 'us'),
    });
    add(figures, {
      name: "on the app's thread, a span",
      unit: 'us',
      beacon: onThread,
      against: thread('batch', 'us'),
      with: 'SDK + batch, no-op exporter',
      target: '',
      met: null,
    });

    const cpu = await measure('cpu', ['otlp', 'beacon']);
    add(figures, {
      name: 'whole CPU a span, delivered',
      unit: 'us',
      beacon: cpu('beacon', 'us'),
      against: cpu('otlp', 'us'),
      with: 'SDK + batch + OTLP protobuf',
      target: '<= 1 x',
      met: cpu('beacon', 'us') <= cpu('otlp', 'us') && cpu('beacon', 'lost') === 0,
    });

    const burst = await measure('burst', ['batch', 'otlp', 'beacon']);
    add(figures, {
      name: 'burst of 10,000: lost',
      unit: 'spans',
      beacon: burst('beacon', 'lost'),
      against: burst('batch', 'lost'),
      with: 'SDK + batch, defaults',
      target: '0',
      met: burst('beacon', 'lost') === 0,
    });
    add(figures, {
      name: 'burst: longest block after it',
      unit: 'ms',
      beacon: burst('beacon', 'blockMs'),
      against: burst('otlp', 'blockMs'),
      with: 'SDK + batch (room) + OTLP',
      target: '<= 5 ms',
      met: burst('beacon', 'blockMs') <= 5,
    });
    add(figures, {
      name: '  the same without GC pauses',
      unit: 'ms',
      beacon: burst('beacon', 'blockWithoutGcMs'),
      against: burst('otlp', 'blockWithoutGcMs'),
      with: 'SDK + batch (room) + OTLP',
      target: '',
      met: null,
    });
    add(figures, {
      name: "  the burst's own tick",
      unit: 'ms',
      beacon: burst('beacon', 'tickMs'),
      against: burst('batch', 'tickMs'),
      with: 'SDK + batch, defaults',
      target: '',
      met: null,
    });

    await jobThroughput(figures, databaseUrl, rounds);
  } finally {
    receiver.stop();
    await server?.discard();
  }
  if (values.json) {
    const machine = { node: process.versions.node, cores: os.availableParallelism(), cpu: os.cpus()[0]?.model };
    fs.writeFileSync(values.json, `${JSON.stringify({ machine, rounds, figures }, null, 2)}\n`);
  }
}

/** Workers of three kinds take turns in short slices: what disturbs the machine disturbs all of them. */
async function jobThroughput(figures: Figure[], databaseUrl: string, rounds: number): Promise<void> {
  const timesOfAMillisecond = calibrate();
  const loads = [
    {
      name: 'jobs: 2 ms of work, 50 ms of waiting, 8 at a time',
      times: 2 * timesOfAMillisecond,
      waitMs: 50,
      concurrency: 8,
    },
    {
      name: 'jobs: 5 ms of work, no waiting, the process busy',
      times: 5 * timesOfAMillisecond,
      waitMs: 0,
      concurrency: 8,
    },
  ];
  const kinds = ['on', 'off', 'sdk'] as const;
  const workers = await Promise.all(kinds.map((kind) => startWorker(kind, databaseUrl)));
  try {
    for (const { name, ...load } of loads) {
      const turns: Record<(typeof kinds)[number], number>[] = [];
      for (let turn = -2; turn < rounds * 4; turn++) {
        const slice = { on: 0, off: 0, sdk: 0 };
        for (let i = 0; i < kinds.length; i++) {
          const which = (i + turn + 3) % kinds.length;
          slice[kinds[which]!] = await throughput(workers[which]!, load, 700);
        }
        if (turn >= 0) turns.push(slice);
      }
      for (const against of ['off', 'sdk'] as const) {
        const ratio = median(turns.map((slice) => slice.on / slice[against]));
        const figure = {
          name,
          unit: '/s',
          beacon: median(turns.map((slice) => slice.on)),
          against: median(turns.map((slice) => slice[against])),
        };
        if (against === 'off') {
          add(figures, { ...figure, with: 'flag off', target: '>= 0.99 x', met: ratio >= 0.99 }, ratio);
        } else add(figures, { ...figure, with: 'SDK without processor', target: '', met: null }, ratio);
      }
    }
  } finally {
    for (const worker of workers) worker.kill();
  }
}

function calibrate(): number {
  const times = 2_000;
  const took = Array.from({ length: 7 }, () => {
    const started = performance.now();
    work(times);
    return performance.now() - started;
  });
  return Math.max(1, Math.round(times / Math.min(...took)));
}

function add(figures: Figure[], figure: Omit<Figure, 'ratio'>, ratio?: number): void {
  const made = { ...figure, ratio: ratio ?? (figure.against ? figure.beacon / figure.against : null) };
  figures.push(made);
  const columns = (...texts: [string, string, string, string, string, string, string]) =>
    console.log(
      `${texts[0].padEnd(52)} ${texts[1].padStart(10)} ${texts[2].padStart(10)} ${texts[3].padStart(7)}  ${texts[4].padEnd(28)} ${texts[5].padEnd(9)} ${texts[6]}`,
    );
  if (figures.length === 1) columns('', 'Beacon', 'against', 'ratio', '', 'target', '');
  const number = (value: number | null) => (value === null ? '' : value >= 100 ? value.toFixed(0) : value.toFixed(2));
  columns(
    `${made.name} (${made.unit})`,
    number(made.beacon),
    number(made.against),
    made.ratio === null ? '' : made.ratio.toFixed(3),
    made.with,
    made.target,
    made.met === null ? '' : made.met ? 'met' : 'NOT MET',
  );
}

if (values.case) await runAsChild(values.case, values.variant);
else await main();
