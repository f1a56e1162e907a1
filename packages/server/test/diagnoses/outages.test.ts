// A region or a model that fails whole, three pictures each; its twin differs in how the others fared that hour.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuses, acquits, verdicts } from './verdicts.ts';

const { of, draw } = await verdicts();

const REFUSED = `
  runner run    |======x| kind=consumer error=ECONNREFUSED
    router POST | ====x | kind=client peer.service=gpu error=ECONNREFUSED
`;
const TIMED_OUT = `
  runner run    |==============!| kind=consumer error=timeout
    router POST | ============! | kind=client peer.service=gpu error=timeout
`;
const UNAVAILABLE = `
  runner run    |======x| kind=consumer error=503 http.response.status_code=503
    router POST | =====x| kind=client peer.service=gpu error=503 http.response.status_code=503
      gpu POST  |  ==x  | kind=server error=503 http.response.status_code=503
`;
const WORKS = `
  runner run    |=======| kind=consumer
    router POST | ===== | kind=client peer.service=gpu
`;

/** The picture with these values on every line. */
function where(picture: string, region: string, model: string): string {
  return picture.replace(/$/gm, ` region=${region} model=${model}`).replace(/^ region=.*$/gm, '');
}

let hours = 0;

/** An hour of its own: six executions fail here, six there end like `elsewhere`; what a seventh failure is said to be. */
async function hour(failing: string, elsewhere: string, alike: 'region' | 'model') {
  hours += 3;
  const at = new Date(Date.now() - hours * 3_600_000);
  const here = (i: number) => (alike === 'region' ? ['eu', `m${i % 3}`] : [`r${i % 3}`, 'broken']);
  const there = (i: number) => (alike === 'region' ? ['us', `m${i % 3}`] : [`r${i % 3}`, 'sound']);
  for (let i = 0; i < 6; i++) {
    const [region = '', model = ''] = here(i);
    await draw(where(failing, region, model), { at });
    const [otherRegion = '', otherModel = ''] = there(i);
    await draw(where(elsewhere, otherRegion, otherModel), { at });
  }
  const [region = '', model = ''] = here(0);
  return of(where(failing, region, model), { at });
}

const FAILURES: [name: string, picture: string][] = [
  ['refuses connections', REFUSED],
  ['does not answer in time', TIMED_OUT],
  ['answers 503', UNAVAILABLE],
];

for (const [name, failing] of FAILURES) {
  test(`a region in which everything ${name}, while another works, is down`, async () => {
    const best = accuses(await hour(failing, WORKS, 'region'), 'REGION_OUTAGE', 'gpu');
    assert.equal(best.evidence.failed_there, '7 of 7');
  });
  test(`where everything ${name} in another region too, the region is not the cause`, async () => {
    acquits(await hour(failing, failing, 'region'), 'REGION_OUTAGE');
  });
  test(`a model with which everything ${name} in every region, while another works, is unavailable`, async () => {
    accuses(await hour(failing, WORKS, 'model'), 'MODEL_UNAVAILABLE', 'gpu');
  });
  test(`where everything ${name} with another model too, the model is not the cause`, async () => {
    acquits(await hour(failing, failing, 'model'), 'MODEL_UNAVAILABLE');
  });
}
