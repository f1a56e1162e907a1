// Each type three times, each time with an innocent twin that differs in the one fact that decides. Every picture is held
// against all diagnoses: a picture is accused of what it declares and of nothing else, and so is its twin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TWINS } from './pictures.ts';
import { accuses, type Verdict, verdicts } from './verdicts.ts';

const { of } = await verdicts();

for (const { type, service, also = [], twins = [], cases } of TWINS) {
  for (const [index, [picture, guilty, innocent]] of cases.entries()) {
    test(`${type} ${index + 1}: ${service} is named, and nothing else is accused`, async () => {
      const found = await of(picture);
      accuses(found, type, service);
      const others = causes(found).filter((cause) => !also.includes(cause));
      assert.deepEqual(others, [type], said(found, '`also` in pictures.ts declares what else a picture shows'));
    });
    const instead = twins[index] ?? null;
    test(`${type} ${index + 1}: its innocent twin is accused of ${instead ?? 'nothing'}`, async () => {
      const twin = picture.replace(guilty, innocent);
      if (twin === picture) throw new Error('The twin differs in nothing.');
      const found = await of(twin);
      const expected = instead === null ? [] : [instead];
      assert.deepEqual(
        causes(found),
        expected,
        said(found, '`twins` in pictures.ts declares what a twin is accused of'),
      );
    });
  }
}

function causes(found: Verdict[]): string[] {
  return found.filter(({ role }) => role === 'cause').map(({ type }) => type);
}

/** What a failure prints: every verdict in its own words, and where the expectation stands. */
function said(found: Verdict[], where: string): string {
  const lines = found.map(({ role, type, service, summary }) => `  ${role} ${type} at ${service}: ${summary}`);
  return [`Verdicts (${where}):`, ...lines].join('\n');
}
