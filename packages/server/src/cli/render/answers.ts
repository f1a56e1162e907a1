// What the models of a job answered, as a person reads it in a terminal.
import type { Row } from '../../store/values.ts';
import { asTable, ms, num, type Renderer, text } from './cells.ts';
import { count } from './format.ts';
import { clean, cut, type Terminal } from './terminal.ts';

interface Cell {
  region: string | null;
  /** Another region than the one asked for. */
  served_elsewhere?: string | null;
  execution_id: string | null;
  attempts: number;
  first_validity: string;
}

interface Group {
  answer: string | null;
  n: number;
  language: string | null;
  cells: Cell[];
}

interface Other extends Cell {
  validity: string;
  reason: string | null;
  answer: string | null;
}

/** A question and model a block: how many regions say what, then the cells without an answer. */
function renderAnswers(rows: Row[], terminal: Terminal): string[] {
  if (rows.length === 0) return ['Nothing fits.'];
  return rows.flatMap((row, i) => {
    const groups = row.groups as Group[];
    const others = row.others as Other[];
    const all = groups.reduce((n, group) => n + group.n, 0);
    const mark = row.differs ? terminal.paint('yellow', '≠') : terminal.paint('green', '=');
    const question = cut(
      clean(row.question as string | null) || 'question not kept',
      Math.max(20, terminal.width - 24),
    );
    return [
      ...(i === 0 ? [] : ['']),
      `${mark} ${terminal.paint('bold', question)}  ${terminal.paint('dim', String(row.model_id ?? 'no model'))}`,
      ...groups.map(({ answer, n, language, cells }) => {
        const regions = regionsOf(cells);
        const said = answer === null ? '(not kept)' : clean(answer.replace(/\s+/g, ' '));
        const tail = `${n} of ${all}: ${regions}${language && language !== 'en' ? ` [${language}]` : ''}`;
        const room = Math.max(16, terminal.width - tail.length - 8);
        return `    ${cut(said, room).padEnd(Math.min(room, 40))}  ${terminal.paint('dim', tail)}`;
      }),
      ...others.map(({ region, validity, reason, execution_id, answer }) => {
        const words = [validity, reason && `(${reason})`, answer && cut(clean(answer.replace(/\s+/g, ' ')), 60)];
        const style = validity === 'pending' || validity === 'cancelled' ? 'dim' : 'red';
        return `    ${terminal.paint(style, words.filter(Boolean).join(' '))}  ${terminal.paint('dim', `${region ?? 'no region'}${execution_id ? `, #${execution_id}` : ''}`)}`;
      }),
    ];
  });
}

function regionsOf(cells: Cell[]): string {
  const counted = Map.groupBy(
    cells,
    ({ region, served_elsewhere: other }) => `${region ?? 'no region'}${other ? ` (ran in ${clean(other)})` : ''}`,
  );
  return [...counted].map(([region, of]) => (of.length > 1 ? `${region} ×${of.length}` : region)).join(', ');
}

const share = (part: unknown, whole: unknown) => (Number(whole) === 0 ? '' : `${part} of ${whole}`);

export const ANSWERS: Record<string, Renderer> = {
  answers: { lines: renderAnswers },
  'job-validity': {
    lines: asTable(
      [
        text('model_id', 'model'),
        text('region'),
        { title: 'answered', right: true, text: (row) => share(row.answered, row.cells) },
        { title: 'first try', right: true, from: 70, text: (row) => share(row.first_answered, row.cells) },
        { ...num('refused', 'refused'), from: 80 },
        { ...num('truncated', 'cut'), from: 90 },
        { ...num('empty', 'empty'), from: 90 },
        { ...num('infrastructure', 'infra'), style: (row) => (Number(row.infrastructure) > 0 ? 'red' : undefined) },
        { ...text('why'), from: 100 },
        { ...num('flaky', 'flaky'), from: 100 },
        { title: 'agree', right: true, text: (row) => share(row.agreed, row.compared) },
        { ...ms('p50_ms', 'p50'), from: 90 },
        { title: 'served', from: 100, text: servedOf, style: (row) => (isWrong(row) ? 'red' : undefined) },
      ],
      'No cells.',
    ),
  },
  'execution-answers': {
    lines: (rows) => rows.flatMap((row, i) => [...(i === 0 ? [] : ['']), ...attemptLines(row)]),
  },
  receipts: {
    lines: (rows) =>
      rows.length === 0
        ? ['No receipt: only an attempt that was answered has one.']
        : rows.map(
            ({ attempt, valid, problems }) =>
              `Attempt ${attempt}: ${valid ? 'verified' : `NOT VALID: ${(problems as string[]).join('; ')}`}`,
          ),
  },
  rerun: {
    lines: (rows) =>
      rows.length === 0
        ? ['No cell to try again.']
        : [`${count(rows.length, 'execution')} will be tried again: ${rows.map((row) => row.execution_id).join(', ')}`],
  },
};

function isWrong(row: Row): boolean {
  return Number(row.served_elsewhere) > 0 || Number(row.drifted) > 0;
}

function servedOf(row: Row): string {
  const said = [...(row.served_regions as string[])];
  if (Number(row.served_elsewhere) > 0) said.push(`${row.served_elsewhere} in another region`);
  if (Number(row.drifted) > 0)
    said.push(`${row.drifted} by another model (${(row.response_models as string[]).join(', ')})`);
  if (Number(row.served_unknown) > 0) said.push(`${row.served_unknown} not known where`);
  return said.join(', ');
}

function attemptLines(row: Row): string[] {
  const where =
    row.same_region === false
      ? `${row.region}, but served from ${row.served_region}`
      : (row.served_region ?? row.region);
  const what = row.same_model === false ? `${row.model_id}, but ${row.response_model} answered` : row.model_id;
  const tokens = [
    row.input_tokens !== null && `${row.input_tokens} in`,
    row.cached_tokens !== null && `${row.cached_tokens} of them cached`,
    row.output_tokens !== null && `${row.output_tokens} out`,
    row.reasoning_tokens !== null && `${row.reasoning_tokens} of them reasoning`,
  ].filter(Boolean);
  return [
    `Attempt ${row.attempt}: ${row.validity}${row.reason ? ` (${row.reason})` : ''}${row.simulated ? ', simulated' : ''}`,
    `  asked     ${row.question === null ? '(not kept)' : clean(String(row.question))}`,
    `  answered  ${row.answer === null ? '–' : clean(String(row.answer))}`,
    `  by        ${[what, row.provider, where].filter(Boolean).join(' · ')}`,
    ...(tokens.length > 0 ? [`  tokens    ${tokens.join(', ')}`] : []),
  ];
}
