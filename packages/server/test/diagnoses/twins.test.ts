// Each type three times, each time with an innocent twin that differs in the one fact that decides.
import { test } from 'node:test';
import { TWINS } from './pictures.ts';
import { accuses, acquits, verdicts } from './verdicts.ts';

const { of } = await verdicts();

for (const { type, service, cases } of TWINS) {
  for (const [index, [picture, guilty, innocent]] of cases.entries()) {
    test(`${type} ${index + 1}: ${service} is named`, async () => {
      accuses(await of(picture), type, service);
    });
    test(`${type} ${index + 1}: its innocent twin is not accused of it`, async () => {
      const twin = picture.replace(guilty, innocent);
      if (twin === picture) throw new Error('The twin differs in nothing.');
      acquits(await of(twin), type);
    });
  }
}
