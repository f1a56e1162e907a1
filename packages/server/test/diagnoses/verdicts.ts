// A diagnosis test is a picture and the verdict beside it.
import assert from 'node:assert/strict';
import { type Drawn, type DrawOptions, draw, type TestDatabase, testDatabase } from '@project-beacon/testkit';

export interface Verdict {
  type: string;
  role: 'cause' | 'remark';
  service: string;
  confidence: number;
  summary: string;
  recommendation: string;
  evidence: Record<string, unknown>;
  operation: string;
}

/** Opens one database for a test file and answers with its verdicts. */
export async function verdicts() {
  const db = await testDatabase();
  return {
    db,
    /** Ranked verdicts about one picture. */
    of: async (picture: string, options?: DrawOptions) => verdictsOf(db, await draw(db.client, picture, options)),
    again: (drawn: Drawn) => verdictsOf(db, drawn),
    draw: (picture: string, options?: DrawOptions) => draw(db.client, picture, options),
  };
}

async function verdictsOf(db: TestDatabase, { executionId }: Drawn): Promise<Verdict[]> {
  const { rows } = await db.client.query('select * from identify_root_cause($1)', [executionId]);
  return rows;
}

/** The best verdict is `type` at `service`, said with at least `least`. */
export function accuses(found: Verdict[], type: string, service: string, least = 0.8): Verdict {
  const [best] = found;
  assert.ok(best, `nothing was found; ${type} at ${service} was expected`);
  assert.equal(
    `${best.type} at ${best.service}`,
    `${type} at ${service}`,
    found.map((v) => `${v.type} ${v.service} ${v.confidence}`).join(', '),
  );
  assert.equal(best.role, 'cause');
  assert.ok(best.confidence >= least, `${type} is only said with ${best.confidence}`);
  return best;
}

/** Nothing is accused of `type`, or, without a type, of anything. */
export function acquits(found: Verdict[], type?: string): void {
  const accused = found.filter((verdict) => verdict.role === 'cause' && (!type || verdict.type === type));
  assert.deepEqual(
    accused.map((verdict) => `${verdict.type} at ${verdict.service}: ${verdict.summary}`),
    [],
  );
}
