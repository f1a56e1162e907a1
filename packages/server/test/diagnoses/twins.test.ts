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
      assert.deepEqual(
        causes(found).filter((cause) => !also.includes(cause)),
        [type],
      );
    });
    const instead = twins[index] ?? null;
    test(`${type} ${index + 1}: its innocent twin is accused of ${instead ?? 'nothing'}`, async () => {
      const twin = picture.replace(guilty, innocent);
      if (twin === picture) throw new Error('The twin differs in nothing.');
      assert.deepEqual(causes(await of(twin)), instead === null ? [] : [instead]);
    });
  }
}

function causes(found: Verdict[]): string[] {
  return found.filter(({ role }) => role === 'cause').map(({ type }) => type);
}
