// Models x regions across, questions down. A cell's colour is its result, its shade its latency, its hatching says that
// there is no trace; glyph and words say the same.
import { useRef } from 'preact/hooks';
import type { JobMatrixRow } from '../state/rows.ts';
import { duration } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Scroll } from '../ui/scroll.tsx';
import { hrefOf } from './summary.ts';

type Cell = JobMatrixRow & { faded: boolean };
/** What the colour of a cell says: how it ended and how long it took, what it is worth, or whether it says what most say. */
export type Colour = 'result' | 'validity' | 'agreement';

const SHADES = 4;
/** More columns than this, and cells have room for a glyph only. */
const ROOMY_COLUMNS = 14;

export function JobMatrix({ rows, colour }: { rows: Cell[]; colour: Colour }) {
  const body = useRef<HTMLTableSectionElement>(null);
  const models = distinct(rows.map(({ model_id }) => model_id ?? '–'));
  const regions = distinct(rows.map(({ region }) => region ?? '–'));
  const questions = distinct(rows.map(({ question }) => question ?? '–'));
  const at = new Map<string, Cell[]>();
  for (const row of rows) {
    const key = keyOf(row.model_id ?? '–', row.region ?? '–', row.question ?? '–');
    at.set(key, [...(at.get(key) ?? []), row]);
  }
  const slowest = Math.max(1, ...rows.map(({ latency_ms }) => latency_ms ?? 0));
  const roomy = models.length * regions.length <= ROOMY_COLUMNS;
  return (
    <>
      <Scroll label="Matrix" onKeyDown={(event) => walk(event, body.current)}>
        <table class={roomy ? 'matrix' : 'matrix tight'}>
          <caption class="unseen">Executions by question, model and region. Arrow keys go from cell to cell.</caption>
          <thead>
            <tr>
              <th rowSpan={2} scope="col">
                Question
              </th>
              {models.map((model) => (
                <th key={model} scope="colgroup" colSpan={regions.length} class="model">
                  {model}
                </th>
              ))}
            </tr>
            <tr>
              {models.flatMap((model) =>
                regions.map((region, i) => (
                  <th key={keyOf(model, region)} scope="col" class={i === 0 ? 'first' : undefined} title={region}>
                    {region}
                  </th>
                )),
              )}
            </tr>
          </thead>
          <tbody ref={body}>
            {questions.map((question) => (
              <tr key={question}>
                <th scope="row" title={question}>
                  <span class="question">{question}</span>
                </th>
                {models.flatMap((model) =>
                  regions.map((region, i) => (
                    <td key={keyOf(model, region)} class={i === 0 ? 'first' : undefined}>
                      {(at.get(keyOf(model, region, question)) ?? []).map((cell) => (
                        <CellLink
                          key={cell.execution_id ?? cell.trace_id}
                          cell={cell}
                          slowest={slowest}
                          roomy={roomy}
                          colour={colour}
                        />
                      ))}
                    </td>
                  )),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <Legend slowest={slowest} colour={colour} />
    </>
  );
}

interface CellLinkProps {
  cell: Cell;
  slowest: number;
  roomy: boolean;
  colour: Colour;
}

function CellLink({ cell, slowest, roomy, colour }: CellLinkProps) {
  const { execution_id, trace_id, traced, latency_ms, faded } = cell;
  const name = execution_id === null ? `Trace ${trace_id}` : `Execution ${execution_id}`;
  const { kind, glyph, words } = LOOKS[colour](cell);
  const shade = kind === 'good' && colour === 'result' ? ` shade-${shadeOf(latency_ms, slowest)}` : '';
  const said = [words, latency_ms === null ? '' : duration(latency_ms), traced || kind === 'waiting' ? '' : 'no trace']
    .filter(Boolean)
    .join(', ');
  return (
    <a
      href={hrefOf(cell)}
      class={`cell ${kind}${shade}${traced || kind === 'waiting' ? '' : ' untraced'}${faded ? ' faded' : ''}`}
      title={`${name}: ${said}`}
      aria-label={`${name}: ${said}`}
    >
      <Icon name={glyph} />
      {roomy && <span>{latency_ms === null ? (kind === 'waiting' ? 'waits' : '') : duration(latency_ms)}</span>}
    </a>
  );
}

interface Look {
  kind: string;
  glyph: IconName;
  words: string;
}

const LOOKS: Record<Colour, (cell: Cell) => Look> = { result: look, validity: worth, agreement: agreeing };

/** Answered cells are plain, whatever they say; each other kind has its own sign. */
function worth(cell: Cell): Look {
  const { validity, reason, attempts } = cell;
  const words = [validity ?? 'not known', reason, attempts !== null && attempts > 1 && `${attempts} attempts`]
    .filter(Boolean)
    .join(', ');
  if (validity === 'answered') return { kind: 'good', glyph: 'check', words };
  if (validity === 'infrastructure') return { kind: 'bad', glyph: 'cross', words };
  if (validity === 'refused') return { kind: 'refused', glyph: 'bang', words };
  if (validity === 'truncated') return { kind: 'truncated', glyph: 'dash', words };
  if (validity === 'empty') return { kind: 'hollow', glyph: 'empty', words };
  if (validity === 'flaky') return { kind: 'flaky', glyph: 'question', words };
  return { kind: 'waiting', glyph: validity === 'cancelled' ? 'dash' : 'ring', words };
}

function agreeing(cell: Cell): Look {
  if (cell.validity !== 'answered') return worth(cell);
  if (cell.agrees === null) return { kind: 'waiting', glyph: 'check', words: 'answered, nothing to compare with' };
  if (cell.agrees) return { kind: 'good', glyph: 'check', words: 'says what most say' };
  return { kind: 'differs', glyph: 'question', words: 'says something else than most' };
}

function look({ status, output_empty, error_type, verdict }: Cell): Look {
  const why = verdict ?? error_type;
  if (status === 'failed') return { kind: 'bad', glyph: 'cross', words: `failed${why ? `: ${why}` : ''}` };
  if (status === 'cancelled') return { kind: 'waiting', glyph: 'dash', words: 'cancelled' };
  if (status === 'completed' && output_empty)
    return { kind: 'hollow', glyph: 'empty', words: 'completed with an empty answer' };
  if (status === 'completed') return { kind: 'good', glyph: 'check', words: 'completed' };
  if (status === 'pending') return { kind: 'waiting', glyph: 'ring', words: 'waits' };
  return { kind: 'running', glyph: 'dots', words: 'runs' };
}

/** 1 to {@link SHADES}, by the logarithm of the latency between a tenth of the slowest and the slowest. */
function shadeOf(latency: number | null, slowest: number): number {
  const share = 1 + Math.log10(Math.max(latency ?? 0, 1e-9) / slowest);
  return 1 + Math.max(0, Math.min(SHADES - 1, Math.floor(share * SHADES)));
}

/** Kinds that have their own look, by what the colour says. */
const SIGNS: Record<Colour, readonly [kind: string, glyph: IconName | null, words: string][]> = {
  result: [
    ['bad', 'cross', 'failed or timed out'],
    ['hollow', 'empty', 'empty answer'],
    ['untraced', null, 'no trace'],
  ],
  validity: [
    ['good', 'check', 'answered'],
    ['refused', 'bang', 'refused'],
    ['truncated', 'dash', 'truncated'],
    ['hollow', 'empty', 'empty'],
    ['flaky', 'question', 'flaky'],
    ['bad', 'cross', 'infrastructure'],
  ],
  agreement: [
    ['good', 'check', 'says what most say'],
    ['differs', 'question', 'says something else'],
    ['waiting', 'check', 'nothing to compare with'],
    ['bad', 'cross', 'infrastructure'],
  ],
};

function Legend({ slowest, colour }: { slowest: number; colour: Colour }) {
  return (
    <p class="legend">
      {colour === 'result' && (
        <span>
          {['shade-1', 'shade-2', 'shade-3', 'shade-4'].map((shade) => (
            <span key={shade} class={`cell good swatch ${shade}`} aria-hidden="true" />
          ))}
          completed, stronger is slower (up to {duration(slowest)})
        </span>
      )}
      {SIGNS[colour].map(([kind, glyph, words]) => (
        <span key={words}>
          <span class={`cell ${kind} swatch`} aria-hidden="true">
            {glyph && <Icon name={glyph} size={9} />}
          </span>
          {words}
        </span>
      ))}
    </p>
  );
}

function keyOf(...parts: string[]): string {
  return parts.join('\u0000');
}

/** Each once, `model-2` before `model-10`. */
function distinct(values: string[]): string[] {
  return [...new Set(values)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Arrow keys go to the neighbouring cell. */
function walk(event: KeyboardEvent, body: HTMLTableSectionElement | null): void {
  const dx = Number(event.key === 'ArrowRight') - Number(event.key === 'ArrowLeft');
  const dy = Number(event.key === 'ArrowDown') - Number(event.key === 'ArrowUp');
  const cell = (event.target as Element).closest('td');
  if (!body || (dx === 0 && dy === 0)) return;
  if (!cell) {
    event.preventDefault();
    body.querySelector('a')?.focus();
    return;
  }
  const row = cell.parentElement as HTMLTableRowElement;
  const next = body.rows[[...body.rows].indexOf(row) + dy]?.cells[cell.cellIndex + dx]?.querySelector('a');
  event.preventDefault();
  next?.focus();
}
