import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PackedTrace, unpack } from '../../src/trace/wire.ts';
import { columnsOf } from './picture.ts';

test('a packed trace is unpacked to a value a row in every column', () => {
  const wire = columnsOf(`
    app run     |==========x| kind=server error=timeout critical
      db query  | ====      | kind=client
        db wait |  ==       | note="clock corrected"
      app retry |      ====>| critical
    app stray   |  =        |
  `);
  const { columns } = wire;
  const pairs = (column: number[]) => column.flatMap((value, row) => (value < 0 ? [] : [row, value]));
  const packed: PackedTrace = {
    ...wire,
    columns: {
      service: columns.service,
      name: columns.name,
      start_us: columns.start_us,
      duration_us: columns.duration_us,
      self_us: columns.self_us,
      id: columns.id.join(''),
      parent: columns.parent.map((above, row) => (above < 0 ? 0 : row - above)),
      status: columns.status.join(''),
      kind: columns.kind.join(''),
      error: pairs(columns.error),
      note: pairs(columns.note),
      critical: columns.critical.flatMap((on, row) => (on ? [row] : [])),
    },
  };
  assert.deepEqual(unpack(packed), wire);
});
