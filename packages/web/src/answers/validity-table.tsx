// A job by model and region: how much of it is an answer, how far regions agree, and where it really ran.
import type { Rows } from '../state/rows.ts';
import { duration } from '../ui/format.ts';
import { Scroll } from '../ui/scroll.tsx';

type ValidityRow = Rows['job-validity'];

/** Kinds of cells that are no answer, in the order in which a bar shows them. */
const NO_ANSWER = ['refused', 'truncated', 'empty', 'flaky', 'infrastructure', 'cancelled', 'pending'] as const;

export function ValidityTable({ rows }: { rows: ValidityRow[] }) {
  return (
    <Scroll label="Validity">
      <table class="validity">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Region</th>
            <th scope="col">Answered</th>
            <th scope="col">Without an answer</th>
            <th scope="col" title="Cells that say what most regions say, of those that can be compared">
              Agree
            </th>
            <th scope="col" class="num" title="Median of the answered cells">
              Median
            </th>
            <th scope="col">Served from</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.model_id} ${row.region}`}>
              <td>{row.model_id ?? '–'}</td>
              <td>{row.region ?? '–'}</td>
              <td>
                <Bar row={row} />
                {row.answered} of {row.cells}
                {row.first_answered !== row.answered && (
                  <span class="dim"> ({row.first_answered} at the first try)</span>
                )}
              </td>
              <td>
                {NO_ANSWER.filter((kind) => row[kind] > 0).map((kind) => (
                  <span key={kind} class={`tag ${kind === 'infrastructure' ? 'bad' : ''}`}>
                    {row[kind]} {kind}
                    {kind === 'infrastructure' && row.why ? `: ${row.why}` : ''}
                  </span>
                ))}
              </td>
              <td>{row.compared === 0 ? '–' : `${row.agreed} of ${row.compared}`}</td>
              <td class="num" title={`n = ${row.answered}`}>
                {duration(row.p50_ms)} <span class="dim">n={row.answered}</span>
              </td>
              <td>
                <Served row={row} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Bar({ row }: { row: ValidityRow }) {
  const share = (n: number) => ({ width: `${(100 * n) / Math.max(1, row.cells)}%` });
  return (
    <span class="validity-bar" aria-hidden="true">
      <span class="good" style={share(row.answered)} />
      {NO_ANSWER.map((kind) => row[kind] > 0 && <span key={kind} class={kind} style={share(row[kind])} />)}
    </span>
  );
}

function Served({ row }: { row: ValidityRow }) {
  const { served_regions: regions, served_elsewhere: elsewhere, served_unknown: unknown, drifted, simulated } = row;
  return (
    <>
      {regions.join(', ')}
      {elsewhere > 0 && <span class="tag bad">{elsewhere} in another region</span>}
      {drifted > 0 && (
        <span class="tag bad">
          {drifted} by {row.response_models.filter((model) => model !== row.model_id).join(', ')}
        </span>
      )}
      {row.fingerprints.length > 1 && <span class="tag warn">{row.fingerprints.length} fingerprints</span>}
      {unknown > 0 && <span class="dim">{unknown === row.cells ? 'not known' : `${unknown} not known`}</span>}
      {simulated > 0 && <span class="tag">simulated</span>}
    </>
  );
}
