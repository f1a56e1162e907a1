// What the doctor says, as rows of an operation.
import type { Row } from '../store/values.ts';
import { examine } from './examine.ts';
import type { Finding } from './finding.ts';

/** Faults first, then what could not be checked, then remarks, then what was found good. Never rejects for what it finds. */
export async function doctorRows(databaseUrl: string, services: { url: string; name?: string }[]): Promise<Row[]> {
  const { faults, unknown, notes, good, leftBehind } = await examine({ databaseUrl, services, env: {} });
  const left = leftBehind.map((what): Finding => ({ hop: 'visible', state: 'note', summary: `left behind: ${what}` }));
  return [...faults, ...unknown, ...notes, ...left, ...good].map(rowOf);
}

function rowOf({ hop, state, fault, service, summary, evidence, fix }: Finding): Row {
  return {
    hop,
    state,
    fault: fault ?? null,
    service: service ?? null,
    what: summary,
    evidence: evidence ?? {},
    fix: fix ?? null,
  };
}
