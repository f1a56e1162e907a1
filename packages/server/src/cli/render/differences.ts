// Differences between groups of a job: what was shown first, then what could not be.
import type { Row } from '../../store/values.ts';
import { asTable, num, type Renderer, text } from './cells.ts';
import { wrap } from './terminal.ts';

const three = (value: unknown): string =>
  value === null || value === undefined ? '–' : String(Number(Number(value).toPrecision(3)));

const amount = (row: Row, value: unknown): string =>
  row.kind === 'share' && value !== null && value !== undefined ? `${three(100 * Number(value))} %` : three(value);

const pairs = asTable(
  [
    { title: ' ', text: (row) => (row.different ? '≠' : '·'), style: (row) => (row.different ? 'yellow' : 'dim') },
    text('a'),
    text('b'),
    { title: 'a is', right: true, text: (row) => amount(row, row.value_a) },
    { title: 'b is', right: true, text: (row) => amount(row, row.value_b) },
    { title: 'effect', right: true, text: (row) => amount(row, row.effect) },
    { title: '95 % interval', right: true, text: (row) => `${amount(row, row.low)} to ${amount(row, row.high)}` },
    { title: 'p (Holm)', right: true, text: (row) => three(row.p_holm) },
    num('questions', 'n'),
    num('left_out', 'left out'),
    text('test'),
  ],
  'Nothing to compare.',
);

export const DIFFERENCES: Record<string, Renderer> = {
  'job-costs': {
    lines: asTable(
      [
        text('part'),
        num('attempts', 'attempts'),
        num('input_tokens', 'read'),
        num('output_tokens', 'written'),
        text('said', 'cost'),
      ],
      'Nothing was run.',
    ),
  },
  'job-differences': {
    lines: (rows, terminal) => [
      ...rows.filter(({ different }) => different).flatMap(({ said }) => wrap(`≠ ${said}`, terminal.width)),
      ...(rows.some(({ different }) => different)
        ? []
        : wrap(`No two of them differ in ${rows[0]?.measure}. ${rows[0]?.said}`, terminal.width)),
      '',
      ...pairs(rows, terminal),
    ],
  },
};
