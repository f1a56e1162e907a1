// The matrix of a job: a row a model and question, a column a region, a cell an execution.
import type { Row } from '../../store/values.ts';
import { count, duration, number, signOf } from './format.ts';
import { clean, cut, padEnd, padStart, type Terminal, widthOf, wrap } from './terminal.ts';

const GAP = '  ';
const NARROWEST_CELL = 9;
const MAX_QUESTION = 40;
const MAX_MODEL = 24;

const STATES: Record<string, { glyph: string; style: 'green' | 'red' | 'yellow' | 'cyan' | 'dim' }> = {
  completed: { glyph: '✔', style: 'green' },
  empty: { glyph: '∅', style: 'yellow' },
  failed: { glyph: '✖', style: 'red' },
  running: { glyph: '▸', style: 'cyan' },
  pending: { glyph: '○', style: 'dim' },
  cancelled: { glyph: '■', style: 'dim' },
};

/** How a job or an execution ended, as a sign. */
export function outcomeSign(row: Row) {
  return STATES[stateOf(row)] ?? { glyph: '?', style: 'yellow' as const };
}

const LEGEND: Record<string, string> = {
  completed: 'completed',
  empty: 'completed with an empty answer',
  failed: 'failed',
  running: 'running',
  pending: 'waiting',
  cancelled: 'cancelled',
};

/** Cells in columns of regions; where they do not fit beside each other, a line a model and region with a sign a question. */
export function renderJobMatrix(cells: Row[], terminal: Terminal): string[] {
  const regions = [...new Set(cells.map((cell) => text(cell.region)))].sort();
  const lines = ordered(cells);
  const models = Math.min(MAX_MODEL, Math.max(5, ...lines.map(({ model }) => widthOf(model))));
  const column = Math.max(NARROWEST_CELL, ...regions.map(widthOf));
  const left = terminal.width - models - GAP.length - regions.length * (column + GAP.length) - GAP.length;
  const questions = Math.min(MAX_QUESTION, Math.max(8, ...lines.map(({ question }) => widthOf(question))), left);
  const summary = wrap(summaryOf(cells), terminal.width);
  if (questions < 8) {
    return [
      ...summary,
      '',
      ...narrow(lines, regions, terminal),
      '',
      ...failures(cells, terminal),
      ...legend(cells, terminal),
    ];
  }
  const head = [
    padEnd('model', models),
    padEnd('question', questions),
    ...regions.map((region) => padEnd(region, column)),
  ];
  const drawn = lines.map(({ model, question, at }, i) => {
    const same = i > 0 && lines[i - 1]?.model === model;
    return [
      padEnd(same ? '' : cut(model, models), models),
      terminal.paint('dim', padEnd(cut(question, questions), questions)),
      ...regions.map((region) => cellsOf(at.get(region) ?? [], column, terminal)),
    ]
      .join(GAP)
      .trimEnd();
  });
  return [
    ...summary,
    '',
    terminal.paint('dim', head.join(GAP).trimEnd()),
    ...drawn,
    '',
    ...failures(cells, terminal),
    ...legend(cells, terminal),
  ];
}

function narrow(lines: Line[], regions: string[], terminal: Terminal): string[] {
  const models = [...new Set(lines.map(({ model }) => model))];
  const widest = Math.max(...regions.map(widthOf));
  return models.flatMap((model) => [
    terminal.paint('bold', cut(model, terminal.width)),
    ...regions.map((region) => {
      const signs = lines
        .filter((line) => line.model === model)
        .flatMap(({ at }) => at.get(region) ?? [])
        .map((cell) => terminal.paint(outcomeSign(cell).style, outcomeSign(cell).glyph));
      return `  ${terminal.paint('dim', padEnd(region, widest))} ${signs.join('')}`;
    }),
  ]);
}

interface Line {
  model: string;
  question: string;
  at: Map<string, Row[]>;
}

function ordered(cells: Row[]): Line[] {
  const lines = new Map<string, Line>();
  for (const cell of cells) {
    const [model, question] = [text(cell.model_id), text(cell.question)];
    const key = JSON.stringify([model, question]);
    const line = lines.get(key) ?? { model, question, at: new Map() };
    lines.set(key, line);
    line.at.set(text(cell.region), [...(line.at.get(text(cell.region)) ?? []), cell]);
  }
  return [...lines.values()];
}

function text(value: unknown): string {
  return clean(value ?? '–');
}

function stateOf(cell: Row): string {
  return cell.status === 'completed' && cell.output_empty === true ? 'empty' : String(cell.status);
}

/** One execution: sign, latency, and a hatch where it has no trace. Several: how many of each state. */
function cellsOf(cells: Row[], width: number, terminal: Terminal): string {
  const [first] = cells;
  if (!first) return padEnd('', width);
  if (cells.length > 1) {
    const states = [...new Set(cells.map(stateOf))].sort();
    const shown = states.map(
      (state) => `${STATES[state]?.glyph ?? '?'}${cells.filter((c) => stateOf(c) === state).length}`,
    );
    const worst = cells.some(({ status }) => status === 'failed') ? 'red' : 'green';
    return terminal.paint(worst, padEnd(cut(shown.join(' '), width), width));
  }
  const { glyph, style } = outcomeSign(first);
  const took = first.latency_ms === null ? '' : duration(first.latency_ms);
  const hatch = first.traced || first.status === 'pending' ? ' ' : '░';
  const shown = cut(`${glyph}${hatch}${padStart(took, width - 2)}`, width);
  return terminal.paint(style, padEnd(shown, width));
}

function summaryOf(cells: Row[]): string {
  const of = (status: string) => cells.filter((cell) => cell.status === status).length;
  const untraced = cells.filter((cell) => !cell.traced && cell.status !== 'pending').length;
  const tokens = cells.reduce((sum, cell) => sum + Number(cell.tokens_out ?? 0), 0);
  const parts = [
    count(cells.length, 'execution'),
    ...['completed', 'failed', 'running', 'pending', 'cancelled'].flatMap((status) =>
      of(status) > 0 ? [`${number(of(status))} ${LEGEND[status]}`] : [],
    ),
    untraced > 0 ? `${number(untraced)} without a trace` : 'all traced',
    ...(tokens > 0 ? [`${number(tokens)} tokens written`] : []),
  ];
  return parts.join(' · ');
}

const MAX_FAILURES = 10;

/** What failed, by the way it failed, with an execution to open. */
function failures(cells: Row[], terminal: Terminal): string[] {
  const failed = cells.filter(({ status }) => status === 'failed');
  const groups = Map.groupBy(failed, (cell) => `${text(cell.verdict ?? cell.error_type ?? 'failed')}`);
  const ranked = [...groups].sort((a, b) => b[1].length - a[1].length);
  const { glyph, style } = signOf('failed');
  const lines = ranked.slice(0, MAX_FAILURES).flatMap(([why, group]) => {
    const regions = [...new Set(group.map((cell) => text(cell.region)))].join(', ');
    const example = group[0]?.execution_id ?? group[0]?.trace_id;
    const line = `${glyph} ${number(group.length)} × ${why} in ${regions}: beacon diagnose ${example}`;
    return wrap(line, terminal.width).map((part) => terminal.paint(style, part));
  });
  const rest = ranked.length - MAX_FAILURES;
  return rest > 0 ? [...lines, `… and ${rest} other ways to fail: beacon findings`] : lines;
}

function legend(cells: Row[], terminal: Terminal): string[] {
  const states = Object.keys(STATES).filter((state) => cells.some((cell) => stateOf(cell) === state));
  const signs = states.map((state) => `${STATES[state]?.glyph} ${LEGEND[state]}`);
  const hatched = cells.some((cell) => !cell.traced && cell.status !== 'pending') ? ['░ no trace'] : [];
  return wrap([...signs, ...hatched].join(' · '), terminal.width).map((line) => terminal.paint('dim', line));
}
